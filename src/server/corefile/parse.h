/* The block structure of a Corefile: snippets, server blocks, directives. */
#ifndef ISTHMUS_SERVER_COREFILE_PARSE_H
#define ISTHMUS_SERVER_COREFILE_PARSE_H

#include "server/corefile/import.h"

/*
 * Reads all blocks from the stream into the Corefile, keys as words only. Complains and goes on
 * after an error where the place to go on is plain.
 */
void corefile_parse_blocks(struct word_stream *s, struct corefile *corefile);

#endif
