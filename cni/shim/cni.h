/* What all parts of the shim share: the numbers of the CNI specification and of cni/wire.py, and slices of text. */
#ifndef GENIE_CNI_H
#define GENIE_CNI_H

#include <stddef.h>

#define GENIE_VERSION "0.1.0"

/* Compiled-in places; the environment names beside them override these. */
#define AGENT_SOCKET "/run/genie/agent.sock"     /* GENIE_AGENT_SOCKET */
#define SPOOL_DIRECTORY "/var/lib/genie/del-spool" /* GENIE_SPOOL */
#define DEADLINE_SECONDS 90.0                      /* GENIE_DEADLINE_SECONDS; kubelet gives up after 120 s */

/* Limits of cni/wire.py. A reply may be larger than a request: results of many attachments are merged in it. */
#define MAX_STDIN ((size_t)1024 * 1024)
#define MAX_REQUEST (MAX_STDIN + (size_t)256 * 1024)
#define MAX_REPLY ((size_t)16 * 1024 * 1024)

/* Error codes of the CNI specification 1.1.0, section 5. */
enum cni_code {
    CNI_BAD_ENVIRONMENT = 4,
    CNI_IO_FAILURE = 5,
    CNI_BAD_CONTENT = 6,
    CNI_TRY_LATER = 11,
    CNI_UNAVAILABLE = 50,
};

/* Bytes that belong to somebody else; not ended by a zero. */
struct text {
    const char *data;
    size_t size;
};

/* Why something failed, for people. Filled by because() where the cause is known, printed where the answer is made. */
struct why {
    char text[512];
};

#endif
