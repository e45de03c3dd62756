/*
 * genie: the CNI plugin that a container runtime executes for every pod. It hands the call to the node's genie-agent
 * and prints what that answers. It is small, static C since container hosts often have no Python, and since every pod
 * pays for its start.
 *
 *   runtime --environment, stdin--> genie --one frame--> agent        (cni/wire.py describes the frames)
 *   runtime <--stdout, exit status- genie <--one frame-- agent
 *
 * It judges nothing that the agent can judge. What it does alone:
 *   VERSION          answered here; stdin is not needed.
 *   no CNI_COMMAND   about text on stderr, exit 0.
 *   stdin            unreadable: error 5. More than 1 MiB: error 6.
 *   environment      passed on whole, for the delegates; too large for a frame: error 4. In CNI_NETNS and CNI_PATH
 *                    relative paths are made absolute, and /proc/self and /proc/thread-self become /proc/PID of this
 *                    process, which lives as long as the call.
 *   agent away       ADD, CHECK, GC: error 11, try again later. STATUS: error 50. DEL: a durable record in the spool,
 *                    whose content is the request's body, and success; no spool: error 11. Other commands, and calls
 *                    without what their command needs (which no agent could serve): error 4.
 * "Away" is also a connection that breaks and a reply that is malformed or not whole within the deadline. The agent
 * may then have acted: it undoes a half-done ADD itself, and a DEL may be done twice.
 *
 * The spool's record of a DEL has an empty CNI_NETNS where that was a path in /proc: see request.c.
 *
 * stdout gets one answer or nothing; words for people go to stderr. Texts of errors avoid "not found" and "no such
 * file or directory": containerd takes a DEL that failed with these words for done, and would leak what it kept.
 *
 * Environment of its own: GENIE_AGENT_SOCKET, GENIE_SPOOL, GENIE_DEADLINE_SECONDS; defaults in cni.h.
 */
#define _POSIX_C_SOURCE 200809L

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent.h"
#include "answer.h"
#include "cni.h"
#include "io.h"
#include "request.h"
#include "spool.h"

/* How long VERSION waits for input that may never come. */
#define VERSION_INPUT_SECONDS 0.2
#define LONGEST_DEADLINE_SECONDS 3600.0

/* What a command's environment must have, for calls that the agent cannot judge: REQUIRED of cni/protocol.py. */
enum { NEEDS_CONTAINER = 1, NEEDS_NETNS = 2, NEEDS_IFNAME = 4, NEEDS_PATH = 8 };

struct command {
    const char *name;
    unsigned needs;
    enum cni_code away; /* the error while the agent is away; of a DEL: when there is no spool either */
    bool spooled;
};

static const struct command COMMANDS[] = {
    {"ADD", NEEDS_CONTAINER | NEEDS_NETNS | NEEDS_IFNAME | NEEDS_PATH, CNI_TRY_LATER, false},
    {"DEL", NEEDS_CONTAINER | NEEDS_IFNAME | NEEDS_PATH, CNI_TRY_LATER, true},
    {"CHECK", NEEDS_CONTAINER | NEEDS_NETNS | NEEDS_IFNAME | NEEDS_PATH, CNI_TRY_LATER, false},
    {"GC", NEEDS_PATH, CNI_TRY_LATER, false},
    {"STATUS", NEEDS_PATH, CNI_UNAVAILABLE, false},
};

/* One call of the runtime. */
struct call {
    const char *command;
    struct text configuration;
    struct version version;
};

static const char *environment(const char *name, const char *otherwise)
{
    const char *value = getenv(name);
    return value != NULL && value[0] != '\0' ? value : otherwise;
}

/* The whole call's deadline. A setting that makes no sense is passed over: it is for tests and emergencies only. */
static moment deadline_of_call(void)
{
    const char *text = environment("GENIE_DEADLINE_SECONDS", "");
    char *end;
    double seconds = strtod(text, &end);
    bool sensible = end != text && *end == '\0' && seconds > 0 && seconds <= LONGEST_DEADLINE_SECONDS;
    return moment_in(sensible ? seconds : DEADLINE_SECONDS);
}

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < sizeof COMMANDS / sizeof *COMMANDS; i++) {
        if (strcmp(COMMANDS[i].name, name) == 0)
            return &COMMANDS[i];
    }
    return NULL;
}

/* Names in one message all variables that the command needs and the environment lacks. True when there is one. */
static bool lacks(const struct command *command, struct why *message)
{
    static const struct {
        unsigned need;
        const char *name;
    } VARIABLES[] = {
        {NEEDS_CONTAINER, "CNI_CONTAINERID"},
        {NEEDS_NETNS, "CNI_NETNS"},
        {NEEDS_IFNAME, "CNI_IFNAME"},
        {NEEDS_PATH, "CNI_PATH"},
    };
    char missing[sizeof "CNI_CONTAINERID,CNI_NETNS,CNI_IFNAME,CNI_PATH"] = "";
    for (size_t i = 0; i < sizeof VARIABLES / sizeof *VARIABLES; i++) {
        if ((command->needs & VARIABLES[i].need) == 0 || environment(VARIABLES[i].name, "")[0] != '\0')
            continue;
        if (missing[0] != '\0')
            strcat(missing, ",");
        strcat(missing, VARIABLES[i].name);
    }
    (void)because(message, "required environment variables are missing: %s", missing);
    return missing[0] != '\0';
}

static int answer_spooled(const struct call *call, const struct why *away)
{
    const char *directory = environment("GENIE_SPOOL", SPOOL_DIRECTORY);
    struct request request;
    struct record record;
    struct why why;
    bool spooled = request_build(&request, call->configuration, READ_LATER, &why);
    if (spooled) {
        spooled = spool(directory, (struct text){.data = request.data, .size = request.size}, &record, &why);
        free(request.data);
    }
    if (spooled) {
        fprintf(stderr, "genie: the agent is away (%s); the deletion waits for it in %s/%s\n", away->text, directory,
                record.name);
        return EXIT_SUCCESS;
    }
    struct why both;
    (void)because(&both, "%.250s; %.250s", away->text, why.text);
    return answer_error(&call->version, CNI_TRY_LATER,
                        "the genie agent is away and the deletion could not be recorded for it; try again later",
                        both.text);
}

static int answer_without_agent(const struct call *call, const struct why *away)
{
    const struct command *command = find_command(call->command);
    struct why message;
    if (command == NULL) {
        (void)because(&message, "unknown CNI_COMMAND: %.100s", call->command);
        return answer_error(&call->version, CNI_BAD_ENVIRONMENT, message.text, away->text);
    }
    if (lacks(command, &message))
        return answer_error(&call->version, CNI_BAD_ENVIRONMENT, message.text, away->text);
    if (command->spooled)
        return answer_spooled(call, away);
    return answer_error(&call->version, command->away, "the genie agent is away; try again later", away->text);
}

static int forward(const struct call *call, moment deadline)
{
    struct request request;
    struct reply reply;
    struct why why;
    if (!request_build(&request, call->configuration, READ_NOW, &why))
        return answer_error(&call->version, CNI_BAD_ENVIRONMENT, "the call cannot be passed on to the agent", why.text);
    bool answered = ask_agent(environment("GENIE_AGENT_SOCKET", AGENT_SOCKET),
                              (struct text){.data = request.data, .size = request.size}, deadline, &reply, &why);
    free(request.data);
    if (!answered)
        return answer_without_agent(call, &why);
    int status = print(reply.output) ? reply.status : EXIT_FAILURE;
    free(reply.memory);
    return status;
}

/* Everything but VERSION: reads the configuration into the buffer, which has room for one byte too many. */
static int run(const char *command, char *buffer)
{
    moment deadline = deadline_of_call();
    struct call call = {.command = command, .configuration = {.data = buffer}};
    if (!read_up_to(STDIN_FILENO, buffer, MAX_STDIN + 1, &call.configuration.size, deadline))
        return answer_error(&call.version, CNI_IO_FAILURE, "the network configuration cannot be read from stdin",
                            reason(errno));
    call.version = version_of(call.configuration);
    if (call.configuration.size > MAX_STDIN)
        return answer_error(&call.version, CNI_BAD_CONTENT, "the network configuration is too large",
                            "at most 1 MiB (1048576 bytes) is accepted");
    return forward(&call, deadline);
}

/* Whatever came of the input serves, were it nothing: an error to read it is none here. */
static int run_version(char *buffer)
{
    struct text input = {.data = buffer, .size = 0};
    (void)read_up_to(STDIN_FILENO, buffer, MAX_STDIN, &input.size, moment_in(VERSION_INPUT_SECONDS));
    struct version version = version_of(input);
    return answer_version(&version);
}

/*
 * A closed stdin, stdout or stderr would be the number of the next file that we open, and answers would go to the
 * agent. So each gap is filled, the wrong way round: reading or writing there still fails as it should.
 */
static bool fill_gaps(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++) {
        if (fcntl(fd, F_GETFD) >= 0)
            continue;
        /* The lowest free number is this one: those below were seen to be open. */
        if (open("/dev/null", (fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) | O_CLOEXEC) != fd)
            return false;
    }
    return true;
}

int main(void)
{
    /* A reader that went away is an error of write(2), not a death without a word. */
    if (!fill_gaps() || signal(SIGPIPE, SIG_IGN) == SIG_ERR)
        return EXIT_FAILURE;
    const char *command = environment("CNI_COMMAND", "");
    if (command[0] == '\0')
        return answer_about();
    char *buffer = malloc(MAX_STDIN + 1);
    if (buffer == NULL) {
        fprintf(stderr, "genie: memory for the configuration: %s\n", reason(errno));
        return EXIT_FAILURE;
    }
    int status = strcmp(command, "VERSION") == 0 ? run_version(buffer) : run(command, buffer);
    free(buffer);
    return status;
}
