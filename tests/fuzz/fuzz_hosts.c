/* Any text as a hosts file: what is found by a word of it is an address of four or sixteen octets, or a name in lower case of
 * the zones asked for; and what an address is found by leads back to it. The first octet says what is taken over. */
#include "fuzz.h"

#include "plugins/hosts/table.h"

#define EXAMPLE NAME_LITERAL("\7example")

/* Whether the address has this name. */
static bool leads_back(const struct hosts_table *t, struct view address, struct name n)
{
	struct hosts_cursor c = hosts_find_names(t, (const uint8_t *)address.at, address.length);
	struct name found;
	while (hosts_next_name(&c, &found)) {
		MUST(!name_is_wildcard(found));
		if (name_equal(found, n))
			return true;
	}
	return false;
}

/* Walks the addresses of a name; only the first is followed back, so that a long list takes linear time. */
static void look_up(const struct hosts_table *t, const struct hosts_rules *rules, struct name n, size_t octets)
{
	struct hosts_cursor c = hosts_find_addresses(t, n, octets), exact = c;
	struct view address;
	size_t count = 0;
	for (; hosts_next_address(&c, &address); count++) {
		MUST(address.length == octets && count < hosts_table_entries(t));
		MUST(name_is_under(n, rules->zones[0]));
	}
	if (!count || !hosts_next_address(&exact, &address))
		return;
	bool back = leads_back(t, address, n);
	MUST(rules->reverse || !back);
}

static void look_up_word(const struct hosts_table *t, const struct hosts_rules *rules, struct view word)
{
	struct name_buffer written, lower;
	if (!name_parse(word, name_root, &written))
		return;
	struct name n = name_lower(name_of(&written), &lower);
	look_up(t, rules, n, 4);
	look_up(t, rules, n, 16);
}

/* A line that is one: its name has its address, and the address its name. */
static void must_hold_one_line(struct view word)
{
	static const struct hosts_rules all = { &name_root, 1, true };
	struct name_buffer written, lower;
	char line[NAME_TEXT_MAX + 16];
	if (!name_parse(word, name_root, &written) || word.length >= NAME_TEXT_MAX || memchr(word.at, '#', word.length))
		return;
	memcpy(line, "192.0.2.1 ", 10);
	memcpy(line + 10, word.at, word.length);
	struct hosts_table *t = hosts_table_read((struct view){ line, 10 + word.length }, &all);
	struct name n = name_lower(name_of(&written), &lower);
	struct hosts_cursor c = hosts_find_addresses(t, n, 4);
	struct view address;
	MUST(hosts_next_address(&c, &address) && memcmp(address.at, "\300\0\2\1", 4) == 0);
	MUST(leads_back(t, address, n) == !name_is_wildcard(n));
	hosts_table_free(t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (!size)
		return 0;
	struct name zone = data[0] & 1 ? EXAMPLE : name_root;
	struct hosts_rules rules = { &zone, 1, (data[0] & 2) != 0 };
	struct view text = { (const char *)data + 1, size - 1 };
	struct hosts_table *t = hosts_table_read(text, &rules);
	size_t words = 0;
	for (struct view word; (word = view_word(&text)).length; words++) {
		look_up_word(t, &rules, word);
		if (words < 8)
			must_hold_one_line(word);
	}
	MUST(hosts_table_entries(t) <= words * 2);
	hosts_table_free(t);
	return 0;
}
