/* libFuzzer target: any environment and configuration, as the shim makes a request's body of them. */
#define _POSIX_C_SOURCE 200809L

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "expect.h"
#include "request.h"

enum { MOST_VARIABLES = 64 };

extern char **environ;

/* Entries with a zero behind each, an empty one at their end, then the configuration: what cni/wire.py reads. */
static void look_at(const struct request *request, struct text configuration)
{
    expect(request->size <= MAX_REQUEST, "it is not too large");
    expect(request->size >= 4 && memcmp(request->data, "CNI1", 4) == 0, "it says what it is");
    const char *entry = request->data + 4;
    const char *end = request->data + request->size;
    for (;;) {
        const char *zero = memchr(entry, '\0', (size_t)(end - entry));
        expect(zero != NULL, "the environment ends");
        if (zero == entry)
            break;
        expect(memchr(entry, '=', (size_t)(zero - entry)) > (const void *)entry, "a variable has a name");
        entry = zero + 1;
    }
    entry++;
    expect((size_t)(end - entry) == configuration.size, "the configuration is whole");
    expect(memcmp(entry, configuration.data, configuration.size) == 0, "the configuration is as it was");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = malloc(size + 1);
    char *variables[MOST_VARIABLES + 1];
    size_t count = 0, place = 0;
    expect(copy != NULL, "there is memory");
    memcpy(copy, data, size);
    copy[size] = '\0';
    while (place < size && count < MOST_VARIABLES && copy[place] != '\n') {
        variables[count++] = copy + place;
        place += strlen(copy + place) + 1;
    }
    variables[count] = NULL;
    struct text configuration = {.data = copy + (place < size ? place : size), .size = place < size ? size - place : 0};
    char **own = environ;
    environ = variables;
    for (int reader = READ_NOW; reader <= READ_LATER; reader++) {
        struct request request;
        struct why why;
        if (request_build(&request, configuration, (enum reader)reader, &why)) {
            look_at(&request, configuration);
            free(request.data);
        } else {
            expect(request.data == NULL && memchr(why.text, '\0', sizeof why.text) != NULL, "it says why not");
        }
    }
    environ = own;
    free(copy);
    return 0;
}
