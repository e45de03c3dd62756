/* libFuzzer target: any bytes as the agent's reply, over a real socket. */
#define _GNU_SOURCE

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "agent.h"
#include "expect.h"

static struct text told; /* what the agent of the next connection says */
static sem_t closed; /* that agent is done with it */
static char path[64];

static void *serve(void *listener)
{
    for (;;) {
        char request[64];
        int fd = accept(*(int *)listener, NULL, NULL);
        expect(fd >= 0, "the socket accepts");
        expect(read(fd, request, sizeof request) > 0, "there is a request");
        for (size_t sent = 0; sent < told.size;) {
            ssize_t written = send(fd, told.data + sent, told.size - sent, MSG_NOSIGNAL);
            if (written <= 0)
                break; /* it has heard enough */
            sent += (size_t)written;
        }
        close(fd);
        sem_post(&closed);
    }
    return NULL;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    static int listener;
    (void)argc, (void)argv;
    (void)signal(SIGPIPE, SIG_IGN); /* as genie does */
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    (void)snprintf(path, sizeof path, "/tmp/fuzz-reply-%ld", (long)getpid());
    (void)unlink(path);
    memcpy(address.sun_path, path, strlen(path));
    listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    expect(bind(listener, (struct sockaddr *)&address, sizeof address) == 0 && listen(listener, 16) == 0, "it listens");
    pthread_t thread;
    expect(sem_init(&closed, 0, 0) == 0, "there is a semaphore");
    expect(pthread_create(&thread, NULL, serve, &listener) == 0, "it serves");
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    told = (struct text){.data = (const char *)data, .size = size};
    struct reply reply;
    struct why why;
    struct text request = {.data = "CNI1", .size = 4};
    bool answered = ask_agent(path, request, moment_in(5), &reply, &why);
    while (sem_wait(&closed) != 0)
        ;
    if (!answered) {
        expect(memchr(why.text, '\0', sizeof why.text) != NULL, "it says why not");
        return 0;
    }
    size_t announced = (size_t)data[0] << 24 | (size_t)data[1] << 16 | (size_t)data[2] << 8 | data[3];
    expect(size >= 4 + announced && reply.output.size + 1 == announced, "the reply is as long as it said");
    expect(reply.status == data[4], "its status is the first byte");
    expect(memcmp(reply.output.data, data + 5, reply.output.size) == 0, "the rest is its output");
    free(reply.memory);
    return 0;
}
