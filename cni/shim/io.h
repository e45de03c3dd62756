/* Reading and writing with one deadline for the whole call, and words for what went wrong. */
#ifndef GENIE_IO_H
#define GENIE_IO_H

#include <stdbool.h>
#include <stddef.h>

#include "cni.h"

/* A moment on the monotonic clock, in milliseconds. */
typedef long long moment;
#define NEVER ((moment)-1)

moment moment_in(double seconds);

/* Milliseconds until the deadline as poll(2) wants them: 0 when it has passed, -1 for NEVER. */
int milliseconds_left(moment deadline);

/* False with errno set; ETIMEDOUT when the deadline passes first. */
bool write_all(int fd, struct text bytes, moment deadline);

/* Fills the buffer, or stops at the end of input; *size says how much came. False with errno set, as above. */
bool read_up_to(int fd, char *buffer, size_t capacity, size_t *size, moment deadline);

/* strerror(3), but without the words that make containerd take a failed DEL for a successful one. */
const char *reason(int error);

/* Always returns false, so that a failing function can end with it. */
bool because(struct why *why, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
