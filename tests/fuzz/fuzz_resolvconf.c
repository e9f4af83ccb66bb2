/* Any text as resolv.conf: what is found are words of it, and the search list is that of the last line that sets one. */
#include "fuzz.h"

#include "net/resolvconf.h"

static void is_word_of(struct view word, const uint8_t *data, size_t size)
{
	MUST(word.at >= (const char *)data && word.at + word.length <= (const char *)data + size);
	for (size_t i = 0; i < word.length; i++)
		MUST(word.at[i] != ' ' && word.at[i] != '\t' && word.at[i] != '\n');
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *arena = arena_new(1024);
	struct resolvconf r = resolvconf_parse(arena, (struct view){ (const char *)data, size });
	for (size_t i = 0; i < r.nameserver_count; i++) {
		is_word_of(r.nameservers[i], data, size);
		MUST(!memchr(r.nameservers[i].at, '%', r.nameservers[i].length));
	}
	for (size_t i = 0; i < r.search_count; i++) {
		is_word_of(r.search[i], data, size);
		MUST(r.search[i].length > 0);
	}
	arena_free(arena);
	return 0;
}
