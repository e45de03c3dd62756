#define _POSIX_C_SOURCE 200809L

#include "request.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io.h"

extern char **environ;

/*
 * Appends while there is room. What does not fit is counted all the same: the size then says how much there would be.
 */
static void append(struct request *request, const char *data, size_t size)
{
    if (request->size <= MAX_REQUEST && size <= MAX_REQUEST - request->size)
        memcpy(request->data + request->size, data, size);
    request->size += size;
}

static void append_string(struct request *request, const char *string)
{
    append(request, string, strlen(string));
}

/* What follows the prefix, or NULL when the string does not start with it. */
static const char *after(const char *string, const char *prefix)
{
    size_t length = strlen(prefix);
    return strncmp(string, prefix, length) == 0 ? string + length : NULL;
}

/*
 * The agent has another working directory than we have, and is another "self". It opens the namespace while we wait
 * for it, so that our own entry in /proc is good as long as it is needed (we have one thread: it is thread-self).
 * The path is part of a longer string that a zero ends; neither prefix has a colon, so none reaches beyond the path.
 */
static bool append_path(struct request *request, struct text path, struct why *why)
{
    char directory[PATH_MAX];
    const char *rest = after(path.data, "/proc/self/");
    if (rest == NULL)
        rest = after(path.data, "/proc/thread-self/");
    if (rest != NULL) {
        int length = snprintf(directory, sizeof directory, "/proc/%ld/", (long)getpid());
        append(request, directory, (size_t)length);
        append(request, rest, (size_t)(path.data + path.size - rest));
        return true;
    }
    if (path.size > 0 && path.data[0] != '/') {
        if (getcwd(directory, sizeof directory) == NULL)
            return because(why, "the path %.*s is relative to a directory that is unknown: %s",
                           path.size < 200 ? (int)path.size : 200, path.data, reason(errno));
        append_string(request, directory);
        append(request, "/", 1);
    }
    append(request, path.data, path.size);
    return true;
}

/* CNI_PATH: directories with colons between them. */
static bool append_directories(struct request *request, const char *list, struct why *why)
{
    for (;;) {
        size_t size = strcspn(list, ":");
        if (!append_path(request, (struct text){.data = list, .size = size}, why))
            return false;
        if (list[size] == '\0')
            return true;
        append(request, ":", 1);
        list += size + 1;
    }
}

/*
 * A process number in a record for later may by then be another process, in whose namespace a DEL would destroy a
 * stranger's interface. An empty CNI_NETNS is what CNI has for a namespace that is gone, and the agent knows where it
 * attached what.
 */
static bool append_netns(struct request *request, const char *path, enum reader reader, struct why *why)
{
    if (reader == READ_LATER && after(path, "/proc/") != NULL)
        return true;
    return append_path(request, (struct text){.data = path, .size = strlen(path)}, why);
}

static bool append_variable(struct request *request, const char *variable, enum reader reader, struct why *why)
{
    bool passed = true;
    const char *netns = after(variable, "CNI_NETNS=");
    const char *directories = after(variable, "CNI_PATH=");
    if (netns != NULL) {
        append_string(request, "CNI_NETNS=");
        passed = append_netns(request, netns, reader, why);
    } else if (directories != NULL) {
        append_string(request, "CNI_PATH=");
        passed = append_directories(request, directories, why);
    } else {
        append_string(request, variable);
    }
    append(request, "", 1);
    return passed;
}

static bool append_all(struct request *request, struct text configuration, enum reader reader, struct why *why)
{
    append_string(request, "CNI1");
    for (char **variable = environ; *variable != NULL; variable++) {
        /* An empty entry would look like the end of the environment; one without a name means nothing to anybody. */
        const char *equals = strchr(*variable, '=');
        if (equals == NULL || equals == *variable)
            continue;
        if (!append_variable(request, *variable, reader, why))
            return false;
    }
    append(request, "", 1);
    append(request, configuration.data, configuration.size);
    if (request->size > MAX_REQUEST)
        return because(why, "the environment and the configuration are %zu bytes together; at most %zu can be passed on",
                       request->size, MAX_REQUEST);
    return true;
}

bool request_build(struct request *request, struct text configuration, enum reader reader, struct why *why)
{
    /* The pages that stay unused are never touched, so they cost nothing. */
    *request = (struct request){.data = malloc(MAX_REQUEST), .size = 0};
    if (request->data == NULL)
        return because(why, "the request: %s", reason(errno));
    if (append_all(request, configuration, reader, why))
        return true;
    free(request->data);
    request->data = NULL;
    return false;
}
