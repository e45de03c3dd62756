#define _POSIX_C_SOURCE 200809L

#include "io.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static moment now(void)
{
    struct timespec clock;
    /* Cannot fail: Linux always has this clock, and the address is ours. */
    (void)clock_gettime(CLOCK_MONOTONIC, &clock);
    return (moment)clock.tv_sec * 1000 + clock.tv_nsec / 1000000;
}

moment moment_in(double seconds)
{
    return now() + (moment)(seconds * 1000);
}

int milliseconds_left(moment deadline)
{
    if (deadline == NEVER)
        return -1;
    moment left = deadline - now();
    if (left <= 0)
        return 0;
    return left < INT_MAX ? (int)left : INT_MAX;
}

/* Waits until the descriptor is ready or broken: the read or write that follows says which. */
static bool await(int fd, short events, moment deadline)
{
    struct pollfd wanted = {.fd = fd, .events = events};
    for (;;) {
        int ready = poll(&wanted, 1, milliseconds_left(deadline));
        if (ready > 0)
            return true;
        if (ready == 0) {
            errno = ETIMEDOUT;
            return false;
        }
        if (errno != EINTR)
            return false;
    }
}

/* Errors after which the same call is simply made again. */
static bool passing(int error)
{
    return error == EINTR || error == EAGAIN || error == EWOULDBLOCK;
}

bool write_all(int fd, struct text bytes, moment deadline)
{
    while (bytes.size > 0) {
        if (!await(fd, POLLOUT, deadline))
            return false;
        ssize_t written = write(fd, bytes.data, bytes.size);
        if (written < 0 && !passing(errno))
            return false;
        if (written > 0) {
            bytes.data += written;
            bytes.size -= (size_t)written;
        }
    }
    return true;
}

bool read_up_to(int fd, char *buffer, size_t capacity, size_t *size, moment deadline)
{
    *size = 0;
    while (*size < capacity) {
        if (!await(fd, POLLIN, deadline))
            return false;
        ssize_t got = read(fd, buffer + *size, capacity - *size);
        if (got == 0)
            return true;
        if (got < 0 && !passing(errno))
            return false;
        if (got > 0)
            *size += (size_t)got;
    }
    return true;
}

const char *reason(int error)
{
    switch (error) {
    case ENOENT:
        return "it does not exist";
    case ETIMEDOUT:
        return "the deadline has passed";
    default:
        return strerror(error);
    }
}

bool because(struct why *why, const char *format, ...)
{
    va_list values;
    va_start(values, format);
    /* A text too long is cut: it is for reading only. */
    if (vsnprintf(why->text, sizeof why->text, format, values) < 0)
        why->text[0] = '\0';
    va_end(values);
    return false;
}
