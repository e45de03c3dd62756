#define _POSIX_C_SOURCE 200809L

#include "answer.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io.h"
#include "json.h"

/* Oldest first; the same list as in cni/protocol.py, which a test compares. */
static const char *const VERSIONS[] = {"0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"};
enum { VERSION_COUNT = sizeof VERSIONS / sizeof *VERSIONS };

/* The version that an answer carries: the input's, or the newest. */
static const char *spoken(const struct version *version)
{
    return version->text[0] != '\0' ? version->text : VERSIONS[VERSION_COUNT - 1];
}

struct version version_of(struct text configuration)
{
    struct version version = {.text = ""};
    struct text found = json_string(configuration, "cniVersion");
    const char *harmless = "0123456789.+-abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
    if (found.size >= sizeof version.text)
        return version;
    for (size_t i = 0; i < found.size; i++) {
        if (found.data[i] == '\0' || strchr(harmless, found.data[i]) == NULL)
            return version;
    }
    memcpy(version.text, found.data, found.size);
    return version;
}

bool print(struct text answer)
{
    if (write_all(STDOUT_FILENO, answer, NEVER))
        return true;
    fprintf(stderr, "genie: the answer cannot be written to stdout: %s\n", reason(errno));
    return false;
}

/* Prints what was written to a memory stream, and frees it. */
static bool print_stream(FILE *out, char **text, size_t *size)
{
    bool complete = !ferror(out);
    complete = fclose(out) == 0 && complete;
    bool printed = complete && print((struct text){.data = *text, .size = *size});
    free(*text);
    return printed;
}

int answer_error(const struct version *version, enum cni_code code, const char *message, const char *details)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (out == NULL) {
        fprintf(stderr, "genie: %s: %s\n", message, details);
        return EXIT_FAILURE;
    }
    fprintf(out, "{\"cniVersion\":");
    json_quote(out, spoken(version));
    fprintf(out, ",\"code\":%d,\"msg\":", (int)code);
    json_quote(out, message);
    fprintf(out, ",\"details\":");
    json_quote(out, details);
    fprintf(out, "}\n");
    (void)print_stream(out, &text, &size);
    return EXIT_FAILURE;
}

int answer_version(const struct version *version)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    if (out == NULL) {
        fprintf(stderr, "genie: %s\n", reason(errno));
        return EXIT_FAILURE;
    }
    fprintf(out, "{\"cniVersion\":");
    json_quote(out, spoken(version));
    fprintf(out, ",\"supportedVersions\":[");
    for (size_t i = 0; i < VERSION_COUNT; i++)
        fprintf(out, "%s\"%s\"", i > 0 ? "," : "", VERSIONS[i]);
    fprintf(out, "]}\n");
    return print_stream(out, &text, &size) ? EXIT_SUCCESS : EXIT_FAILURE;
}

int answer_about(void)
{
    fprintf(stderr, "genie %s: a CNI plugin that hands each call to the node's genie-agent\n"
                    "CNI versions:", GENIE_VERSION);
    for (size_t i = 0; i < VERSION_COUNT; i++)
        fprintf(stderr, " %s", VERSIONS[i]);
    fprintf(stderr, "\n");
    return EXIT_SUCCESS;
}
