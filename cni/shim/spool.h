/* DELs that the agent could not take now: kept on disk until it does. */
#ifndef GENIE_SPOOL_H
#define GENIE_SPOOL_H

#include <stdbool.h>

#include "cni.h"

/* The place and name of a record, for the log. */
struct record {
    char name[64];
};

/*
 * Stores the request as DIRECTORY/<realtime in nanoseconds>-<pid>.del, mode 0600, in a directory made when missing.
 * True: it is whole and on the disk, and outlives a power cut. A reader never sees an unfinished *.del.
 */
bool spool(const char *directory, struct text request, struct record *record, struct why *why);

#endif
