/* libFuzzer target: any bytes as a configuration, as the shim looks for a key in it and repeats its version. */
#define _POSIX_C_SOURCE 200809L

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "answer.h"
#include "expect.h"
#include "json.h"

/* What is quoted is one JSON string of printable ASCII, whatever the text. */
static void quote(const char *string)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    expect(out != NULL, "there is memory");
    json_quote(out, string);
    fclose(out);
    expect(size >= 2 && text[0] == '"' && text[size - 1] == '"', "it is in quotes");
    for (size_t i = 0; i < size; i++)
        expect(text[i] >= 0x20 && text[i] < 0x7f, "it is printable");
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    /* A block of exactly this size: one byte read beyond it is seen. */
    char *copy = malloc(size + 1);
    expect(copy != NULL, "there is memory");
    memcpy(copy, data, size);
    copy[size] = '\0';
    quote(copy);
    copy = realloc(copy, size > 0 ? size : 1);
    struct text json = {.data = copy, .size = size};
    static const char *const KEYS[] = {"cniVersion", "", "a", "plugins"};
    for (size_t i = 0; i < sizeof KEYS / sizeof *KEYS; i++) {
        struct text found = json_string(json, KEYS[i]);
        expect(found.size == 0 || (found.data >= copy && found.data + found.size <= copy + size), "it is inside");
    }
    struct version version = version_of(json);
    expect(memchr(version.text, '\0', sizeof version.text) != NULL, "the version ends");
    free(copy);
    return 0;
}
