#define _POSIX_C_SOURCE 200809L

#include "agent.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

enum { HEADER_SIZE = 4 };

/* An agent that is alive but accepts nobody must not hold us: on a unix socket this timeout ends connect(2) too. */
static bool limit_connect(int fd, moment deadline)
{
    int left = milliseconds_left(deadline);
    if (left == 0) { /* zero would mean no timeout */
        errno = ETIMEDOUT;
        return false;
    }
    struct timeval limit = {.tv_sec = left / 1000, .tv_usec = left % 1000 * 1000};
    return setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit) == 0;
}

static bool connect_socket(int fd, const struct sockaddr_un *address, moment deadline)
{
    do {
        if (!limit_connect(fd, deadline))
            return false;
        if (connect(fd, (const struct sockaddr *)address, sizeof *address) == 0)
            return true;
    } while (errno == EINTR || errno == EAGAIN);
    return false;
}

/* A connected socket whose reads and writes never block, so that poll(2) alone keeps the deadline; or -1 and errno. */
static int open_connection(const char *path, moment deadline)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    memcpy(address.sun_path, path, strlen(path));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -1;
    if (connect_socket(fd, &address, deadline) && fcntl(fd, F_SETFL, O_NONBLOCK) == 0)
        return fd;
    int error = errno;
    (void)close(fd);
    errno = error;
    return -1;
}

static bool send_request(int fd, struct text request, moment deadline, struct why *why)
{
    uint32_t size = (uint32_t)request.size; /* at most MAX_REQUEST */
    const char header[HEADER_SIZE] = {(char)(size >> 24), (char)(size >> 16), (char)(size >> 8), (char)size};
    if (write_all(fd, (struct text){.data = header, .size = sizeof header}, deadline) &&
        write_all(fd, request, deadline))
        return true;
    return because(why, "the request could not be sent: %s", reason(errno));
}

static bool receive(int fd, char *buffer, size_t wanted, moment deadline, struct why *why)
{
    size_t got;
    if (!read_up_to(fd, buffer, wanted, &got, deadline))
        return because(why, "waiting for the reply: %s", reason(errno));
    if (got < wanted)
        return because(why, "the connection was closed before the end of the reply");
    return true;
}

static bool receive_size(int fd, size_t *size, moment deadline, struct why *why)
{
    char header[HEADER_SIZE];
    if (!receive(fd, header, sizeof header, deadline, why))
        return false;
    *size = 0;
    for (size_t i = 0; i < sizeof header; i++)
        *size = *size << 8 | (unsigned char)header[i];
    if (*size < 1 || *size > MAX_REPLY)
        return because(why, "the reply claims to be %zu bytes; 1 to %zu are allowed", *size, MAX_REPLY);
    return true;
}

/* A reply is the exit status and then what goes to stdout; a failure that says nothing is none (checklist T24). */
static bool receive_reply(int fd, struct reply *reply, moment deadline, struct why *why)
{
    size_t size;
    if (!receive_size(fd, &size, deadline, why))
        return false;
    char *memory = malloc(size);
    if (memory == NULL)
        return because(why, "memory for the reply: %s", reason(errno));
    bool whole = receive(fd, memory, size, deadline, why);
    if (whole && memory[0] != 0 && size == 1)
        whole = because(why, "the agent reports a failure and no error with it");
    if (!whole) {
        free(memory);
        return false;
    }
    *reply = (struct reply){
        .memory = memory,
        .status = (unsigned char)memory[0],
        .output = {.data = memory + 1, .size = size - 1},
    };
    return true;
}

bool ask_agent(const char *path, struct text request, moment deadline, struct reply *reply, struct why *why)
{
    int fd = open_connection(path, deadline);
    if (fd < 0)
        return because(why, "connecting to %.200s: %s", path, reason(errno));
    bool answered = send_request(fd, request, deadline, why) && receive_reply(fd, reply, deadline, why);
    (void)close(fd); /* nothing is left in it that could fail */
    return answered;
}
