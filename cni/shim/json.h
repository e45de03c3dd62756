/* The little JSON that the shim needs. The agent parses and judges configurations; nothing here does. */
#ifndef GENIE_JSON_H
#define GENIE_JSON_H

#include <stdio.h>

#include "cni.h"

/*
 * The string value of a key of the outermost object, as it stands between its quotes, escapes and all.
 * Empty when there is none. Any bytes are safe to give: it reads at most json.size of them, once, without recursion.
 */
struct text json_string(struct text json, const char *key);

/* Writes a quoted string. Errors stay in the stream, for ferror(3). */
void json_quote(FILE *out, const char *string);

#endif
