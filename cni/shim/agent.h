/* The exchange with the node's agent: one request, one reply, within a deadline. */
#ifndef GENIE_AGENT_H
#define GENIE_AGENT_H

#include <stdbool.h>

#include "cni.h"
#include "io.h"

/* The agent's answer. The output points into memory, which is from malloc(3). */
struct reply {
    char *memory;
    int status;
    struct text output;
};

/*
 * False: the agent is away, or its reply was cut off, malformed or late; nothing of such a reply is given out, and
 * nothing is allocated. The agent may or may not have acted by then.
 */
bool ask_agent(const char *path, struct text request, moment deadline, struct reply *reply, struct why *why);

#endif
