/* Mnemonics of types, classes and rcodes, both ways. */
#include "dns/types.h"

#include <endian.h>

/* Types by number: two runs without big holes, so that printing one is an index. */
enum { FIRST_RUN = 265, SECOND_RUN_AT = 32768, SECOND_RUN = 2 };

#define TYPE(mnemonic, number)                                                                     \
	[(number) < FIRST_RUN ? (number) : FIRST_RUN + (number)-SECOND_RUN_AT] = #mnemonic,
static const char *const type_mnemonics[FIRST_RUN + SECOND_RUN] = {
#include "dns/types.def"
};
#undef TYPE

/* The same by mnemonic, as the file is sorted. */
static const struct type_word {
	char mnemonic[MNEMONIC_MAX];
	uint16_t type;
} type_words[] = {
#define TYPE(mnemonic, number) { #mnemonic, number },
#include "dns/types.def"
#undef TYPE
};

static const char *const class_mnemonics[] = {
	[CLASS_IN] = "IN",
	[2] = "CS", /* obsolete */
	[CLASS_CH] = "CH",
	[CLASS_HS] = "HS",
	[CLASS_NONE] = "NONE",
	[CLASS_ANY] = "ANY",
};

/* 16 is BADSIG in a TSIG record, but BADVERS in a message's header, which is where rcodes are
 * printed from. */
static const char *const rcode_mnemonics[] = { "NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN",
	"NOTIMP", "REFUSED", "YXDOMAIN", "YXRRSET", "NXRRSET", "NOTAUTH", "NOTZONE",
	"DSOTYPENI", [16] = "BADVERS", "BADKEY", "BADTIME", "BADMODE", "BADNAME", "BADALG",
	"BADTRUNC", "BADCOOKIE" };

#define LENGTH(array) (sizeof(array) / sizeof(array)[0])

/* Copies the mnemonic, or writes `prefix` and the number where there is none. */
static const char *print(
	const char *mnemonic, const char *prefix, uint16_t number, char to[static MNEMONIC_MAX])
{
	size_t at = 0;
	for (const char *c = mnemonic ? mnemonic : prefix; *c; c++)
		to[at++] = *c;
	if (!mnemonic) {
		unsigned divisor = 10000;
		while (divisor > 1 && number < divisor)
			divisor /= 10;
		for (; divisor; divisor /= 10)
			to[at++] = (char)('0' + number / divisor % 10);
	}
	to[at] = 0;
	return to;
}

static const char *type_mnemonic(uint16_t type)
{
	if (type < FIRST_RUN)
		return type_mnemonics[type];
	if (type >= SECOND_RUN_AT && type < SECOND_RUN_AT + SECOND_RUN)
		return type_mnemonics[FIRST_RUN + type - SECOND_RUN_AT];
	return NULL;
}

const char *type_print(uint16_t type, char to[static MNEMONIC_MAX])
{
	return print(type_mnemonic(type), "TYPE", type, to);
}

const char *class_print(uint16_t class, char to[static MNEMONIC_MAX])
{
	bool known = class < LENGTH(class_mnemonics);
	return print(known ? class_mnemonics[class] : NULL, "CLASS", class, to);
}

const char *rcode_print(uint16_t rcode, char to[static MNEMONIC_MAX])
{
	bool known = rcode < LENGTH(rcode_mnemonics);
	return print(known ? rcode_mnemonics[rcode] : NULL, "RCODE", rcode, to);
}

/* The index of a mnemonic in a table, any case; the table's length if it is not there. */
static size_t find(struct view text, const char *const *table, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		if (table[i] && view_equal_nocase(text, view_of(table[i])))
			return i;
	}
	return length;
}

/* A number behind a prefix in any case: "TYPE65280". */
static bool number_parse(struct view text, struct view prefix, uint16_t *number)
{
	uint64_t value;
	if (text.length <= prefix.length ||
		!view_equal_nocase(view_first(text, prefix.length), prefix) ||
		!view_unsigned(view_skip(text, prefix.length), UINT16_MAX, &value))
		return false;
	*number = (uint16_t)value;
	return true;
}

/* The text in upper case, filled up with zeros; false if it is too long for a mnemonic. */
static bool word_pack(struct view text, char word[static MNEMONIC_MAX])
{
	if (text.length >= MNEMONIC_MAX || view_find(text, 0) < text.length)
		return false;
	memset(word, 0, MNEMONIC_MAX);
	for (size_t i = 0; i < text.length; i++) {
		char c = text.at[i];
		word[i] = (char)(c >= 'a' && c <= 'z' ? c - 32 : c);
	}
	return true;
}

/* As memcmp over MNEMONIC_MAX octets, in two steps. */
static int word_compare(const char a[static MNEMONIC_MAX], const char b[static MNEMONIC_MAX])
{
	for (size_t i = 0; i < MNEMONIC_MAX; i += sizeof(uint64_t)) {
		uint64_t x, y;
		memcpy(&x, a + i, sizeof x);
		memcpy(&y, b + i, sizeof y);
		if (x != y)
			return be64toh(x) < be64toh(y) ? -1 : 1;
	}
	return 0;
}

bool type_parse(struct view text, uint16_t *type)
{
	char word[MNEMONIC_MAX];
	if (!word_pack(text, word))
		return false;
	size_t from = 0, to = LENGTH(type_words);
	while (from < to) {
		size_t middle = from + (to - from) / 2;
		int order = word_compare(word, type_words[middle].mnemonic);
		if (order == 0) {
			*type = type_words[middle].type;
			return true;
		}
		if (order < 0)
			to = middle;
		else
			from = middle + 1;
	}
	return number_parse(text, VIEW("TYPE"), type);
}

bool class_parse(struct view text, uint16_t *class)
{
	size_t found = find(text, class_mnemonics, LENGTH(class_mnemonics));
	if (found == LENGTH(class_mnemonics))
		return number_parse(text, VIEW("CLASS"), class);
	*class = (uint16_t)found;
	return true;
}

bool rcode_parse(struct view text, uint16_t *rcode)
{
	if (view_equal_nocase(text, VIEW("NOTIMPL")))
		text = VIEW("NOTIMP");
	else if (view_equal_nocase(text, VIEW("BADSIG")))
		text = VIEW("BADVERS"); /* one number, two names */
	size_t found = find(text, rcode_mnemonics, LENGTH(rcode_mnemonics));
	*rcode = (uint16_t)found;
	return found < LENGTH(rcode_mnemonics);
}
