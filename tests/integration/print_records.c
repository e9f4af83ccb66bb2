/* Prints the records of a master file, one a line, in the order of the file: print_records FILE
 * ORIGIN */
#include "base/file.h"
#include "dns/rdata.h"
#include "dns/zonefile.h"
#include <stdio.h>

static int print(struct arena *arena, struct view content, const char *path, const char *origin)
{
	struct zonefile z;
	struct record r;
	struct text line = { 0 };
	zonefile_open(&z, arena, content, path, name_from_text(arena, view_of(origin)));
	while (zonefile_next(&z, &r)) {
		text_clear(&line);
		record_print(&line, &r);
		puts(line.at);
	}
	text_free(&line);
	if (z.error)
		fprintf(stderr, "%s\n", z.error);
	return z.error ? 1 : 0;
}

int main(int count, char **words)
{
	struct arena *arena = arena_new(4096);
	struct view content;
	if (count != 3 || file_read(arena, words[1], SIZE_MAX, &content) != 0) {
		fprintf(stderr, "usage: print_records FILE ORIGIN\n");
		return 2;
	}
	int status = print(arena, content, words[1], words[2]);
	arena_free(arena);
	return status;
}
