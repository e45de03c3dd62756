/* One CNI call as the agent gets it: "CNI1", KEY=VALUE\0 for each variable, \0, then the configuration from stdin. */
#ifndef GENIE_REQUEST_H
#define GENIE_REQUEST_H

#include <stdbool.h>

#include "cni.h"

/* Who reads the body: the agent while this process waits for it, or the agent of some later time. */
enum reader { READ_NOW, READ_LATER };

/* A request's body in memory from malloc(3). */
struct request {
    char *data;
    size_t size;
};

/* False: the call cannot be passed on (a bad or too large environment), and nothing is allocated. */
bool request_build(struct request *request, struct text configuration, enum reader reader, struct why *why);

#endif
