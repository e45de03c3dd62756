#include "json.h"

#include <string.h>

/* The byte at a place, or zero past the end: zero equals no byte that JSON gives a meaning to. */
static char at(struct text json, size_t place)
{
    return place < json.size ? json.data[place] : '\0';
}

static struct text part(struct text json, size_t start, size_t end)
{
    return (struct text){.data = json.data + start, .size = end - start};
}

static size_t after_space(struct text json, size_t place)
{
    while (at(json, place) == ' ' || at(json, place) == '\t' || at(json, place) == '\n' || at(json, place) == '\r')
        place++;
    return place;
}

/* From an opening quote to behind the closing one; the end of the text when there is none. */
static size_t after_string(struct text json, size_t place)
{
    for (place++; place < json.size; place++) {
        if (json.data[place] == '"')
            return place + 1;
        if (json.data[place] == '\\')
            place++;
    }
    return json.size;
}

/* Behind a whole object or list: brackets are counted, not paired, since a faulty text only costs us the version. */
static size_t after_nested(struct text json, size_t place)
{
    size_t depth = 0;
    while (place < json.size) {
        char here = json.data[place];
        if (here == '"') {
            place = after_string(json, place);
            continue;
        }
        place++;
        if (here == '{' || here == '[')
            depth++;
        if ((here == '}' || here == ']') && --depth == 0)
            break;
    }
    return place;
}

static size_t after_value(struct text json, size_t place)
{
    switch (at(json, place)) {
    case '"':
        return after_string(json, place);
    case '{':
    case '[':
        return after_nested(json, place);
    default: /* a number or a word */
        while (place < json.size && strchr(",}] \t\r\n", json.data[place]) == NULL)
            place++;
        return place;
    }
}

static int is_string(struct text json, size_t start, size_t end)
{
    return end - start >= 2 && at(json, start) == '"' && at(json, end - 1) == '"';
}

struct text json_string(struct text json, const char *key)
{
    const struct text none = {.data = "", .size = 0};
    size_t place = after_space(json, 0);
    if (at(json, place) != '{')
        return none;
    do {
        size_t name = after_space(json, place + 1);
        if (at(json, name) != '"')
            return none;
        size_t name_end = after_string(json, name);
        place = after_space(json, name_end);
        if (at(json, place) != ':')
            return none;
        size_t value = after_space(json, place + 1);
        size_t value_end = after_value(json, value);
        struct text found = part(json, name + 1, name_end - 1);
        if (found.size == strlen(key) && memcmp(found.data, key, found.size) == 0)
            return is_string(json, value, value_end) ? part(json, value + 1, value_end - 1) : none;
        place = after_space(json, value_end);
    } while (at(json, place) == ',');
    return none;
}

void json_quote(FILE *out, const char *string)
{
    fputc('"', out);
    for (; *string != '\0'; string++) {
        unsigned char byte = (unsigned char)*string;
        /* Beyond ASCII, bytes of a path need not be UTF-8, which JSON must be: each is written by its number. */
        if (byte < 0x20 || byte >= 0x7f)
            fprintf(out, "\\u%04x", byte);
        else if (byte == '"' || byte == '\\')
            fprintf(out, "\\%c", byte);
        else
            fputc(byte, out);
    }
    fputc('"', out);
}
