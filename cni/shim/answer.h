/* What the shim itself says to the runtime: error objects, its versions, its about text. */
#ifndef GENIE_ANSWER_H
#define GENIE_ANSWER_H

#include <stdbool.h>

#include "cni.h"

/* A cniVersion fit to be repeated: short and of harmless characters. Empty: none was given. */
struct version {
    char text[33];
};

/* The top-level "cniVersion" of a network configuration, whose JSON need not be valid. */
struct version version_of(struct text configuration);

/* Each prints one answer and returns the process's exit status. */
int answer_error(const struct version *version, enum cni_code code, const char *message, const char *details);
int answer_version(const struct version *version);
int answer_about(void);

/* Prints a finished answer. False when stdout does not take it; stderr then says why. */
bool print(struct text answer);

#endif
