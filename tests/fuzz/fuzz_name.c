/* Any text as a name: what is one prints as text that is the same name; order, hash and suffixes
 * agree with equality. */
#include "base/hash.h"
#include "dns/name.h"
#include "fuzz.h"

static void must_go_both_ways(struct name n)
{
	char text[NAME_TEXT_MAX];
	struct name_buffer again;
	size_t length = name_print(n, text);
	MUST(length < NAME_TEXT_MAX && text[length] == 0);
	MUST(name_parse((struct view){ text, length }, name_root, &again));
	MUST(again.length == n.length && memcmp(again.octets, n.octets, n.length) == 0);
}

static void must_be_taken_apart(struct name n)
{
	unsigned labels = name_labels(n);
	MUST(labels < LABELS_MAX);
	for (unsigned i = 0; i <= labels; i++) {
		struct name suffix = name_suffix(n, i);
		struct name_buffer back;
		MUST(name_labels(suffix) == i && name_is_under(n, suffix));
		MUST((name_compare(n, suffix) == 0) == name_equal(n, suffix));
		MUST(name_replace_suffix(n, suffix, suffix, &back) &&
			name_equal(name_of(&back), n));
	}
}

static void must_agree(struct name a, struct name b)
{
	struct name_buffer lower;
	MUST(name_equal(a, b) == (name_compare(a, b) == 0));
	MUST((name_compare(a, b) < 0) == (name_compare(b, a) > 0));
	MUST(name_equal(name_lower(a, &lower), a) && name_hash(name_of(&lower)) == name_hash(a));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct view text = { (const char *)data, size };
	size_t middle = view_find(text, '\n');
	struct view rest = middle < size ? view_skip(text, middle + 1) : VIEW("");
	struct name_buffer origin, name;
	if (!name_parse(view_first(text, middle), name_root, &origin))
		return 0;
	must_go_both_ways(name_of(&origin));
	must_be_taken_apart(name_of(&origin));
	if (!name_parse(rest, name_of(&origin), &name))
		return 0;
	must_go_both_ways(name_of(&name));
	must_be_taken_apart(name_of(&name));
	must_agree(name_of(&origin), name_of(&name));
	return 0;
}
