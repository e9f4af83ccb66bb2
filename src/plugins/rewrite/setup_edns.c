/* Rules for EDNS options: edns0 local|nsid|subnet set|append|replace|unset ... [revert]. */
#include "plugins/rewrite/rewrite.h"

#include "base/encoding.h"
#include "base/number.h"
#include <ctype.h>

static bool read_action(struct setup *s, struct edns_rule *e, struct view word)
{
	static const char *const names[] = {
		[EDNS_SET] = "set",
		[EDNS_APPEND] = "append",
		[EDNS_REPLACE] = "replace",
		[EDNS_UNSET] = "unset",
	};
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (view_equal_nocase(word, view_of(names[i]))) {
			e->action = (enum edns_action)i;
			return true;
		}
	}
	return setup_error_plain(
		s, "invalid action: \"%.*s\"", VIEW_ARGS(lower_word(s->arena, word)));
}

static bool read_kind(struct setup *s, struct edns_rule *e, struct view word)
{
	if (view_equal_nocase(word, VIEW("local"))) {
		e->kind = EDNS_LOCAL;
	} else if (view_equal_nocase(word, VIEW("nsid"))) {
		e->kind = EDNS_NSID;
		e->code = OPTION_NSID;
	} else if (view_equal_nocase(word, VIEW("subnet"))) {
		e->kind = EDNS_SUBNET;
		e->code = OPTION_SUBNET;
	} else {
		return setup_error_plain(
			s, "invalid rule type \"%.*s\"", VIEW_ARGS(lower_word(s->arena, word)));
	}
	return true;
}

static bool read_number(struct setup *s, struct view word, uint64_t *n)
{
	enum number_error error = number_read(word, 0, UINT16_MAX, n);
	return !error || setup_error_plain(s, "strconv.ParseUint: parsing \"%.*s\": %s",
				 VIEW_ARGS(word), number_error_text(error));
}

/* --- local --- */

/* The server sends options of this code back from now on. */
static bool read_code(struct setup *s, struct edns_rule *e, struct view word)
{
	uint64_t code;
	if (!read_number(s, word, &code))
		return false;
	e->code = (uint16_t)code;
	edns_code_register(e->code);
	return true;
}

static bool read_hex(struct setup *s, struct view digits, struct view *data)
{
	struct decoding d = { .room = digits.length / 2 + 1 };
	d.to = arena_octets(s->arena, d.room);
	if (!hex_decode(&d, digits)) {
		size_t bad = 0;
		while (bad + 1 < digits.length && isxdigit((unsigned char)digits.at[bad]))
			bad++;
		return setup_error_plain(s, "encoding/hex: invalid byte: U+%04X '%c'",
			(unsigned char)digits.at[bad], digits.at[bad]);
	}
	if (!hex_decoded(&d))
		return setup_error_plain(s, "encoding/hex: odd length hex string");
	*data = (struct view){ (const char *)d.to, d.length };
	return true;
}

static bool is_label(struct view name)
{
	size_t slash = view_find(name, '/');
	return slash > 0 && slash + 1 < name.length;
}

static bool is_variable(struct view name)
{
	static const char *const names[] = { "qname", "qtype", "client_ip", "client_port",
		"protocol", "server_ip", "server_port" };
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (view_is(name, names[i]))
			return true;
	}
	return is_label(name);
}

static bool read_data(struct setup *s, struct edns_rule *e, struct view word)
{
	if (word.length >= 2 && view_starts(word, VIEW("{")) && view_ends(word, VIEW("}"))) {
		e->kind = EDNS_VARIABLE;
		e->variable = (struct view){ word.at + 1, word.length - 2 };
		return is_variable(e->variable) ||
		       setup_error_plain(s, "unsupported variable name \"%.*s\"", VIEW_ARGS(word));
	}
	if (view_starts(word, VIEW("0x")))
		return read_hex(s, view_skip(word, 2), &e->data);
	e->data = word;
	return true;
}

static bool read_local(struct setup *s, struct edns_rule *e, const struct view *words, size_t count)
{
	if (e->action == EDNS_UNSET) {
		if (count != 1)
			return setup_error_plain(
				s, "local unset action requires exactly two arguments");
		return read_code(s, e, words[0]);
	}
	if (count != 2)
		return setup_error_plain(s, "EDNS0 local rules require three or four args");
	return read_code(s, e, words[0]) && read_data(s, e, words[1]);
}

/* --- nsid and subnet --- */

static bool read_nsid(struct setup *s, struct edns_rule *e, size_t count)
{
	if (count == 0)
		return true;
	if (e->action == EDNS_UNSET)
		return setup_error_plain(s, "nsid unset action requires exactly one argument");
	return setup_error_plain(s, "EDNS0 NSID rules can accept no more than one arg");
}

static bool read_bits(
	struct setup *s, struct view word, const char *family, unsigned largest, unsigned *bits)
{
	uint64_t n;
	if (!read_number(s, word, &n))
		return false;
	*bits = (unsigned)n;
	return n <= largest ||
	       setup_error_plain(s, "invalid %s bit mask length %u", family, (unsigned)n);
}

static bool read_subnet(
	struct setup *s, struct edns_rule *e, const struct view *words, size_t count)
{
	if (e->action == EDNS_UNSET)
		return count == 0 ||
		       setup_error_plain(s, "subnet unset action requires exactly one argument");
	if (count != 2)
		return setup_error_plain(s, "EDNS0 subnet rules require three or four args");
	return read_bits(s, words[0], "IPv4", 32, &e->v4_bits) &&
	       read_bits(s, words[1], "IPv6", 128, &e->v6_bits);
}

bool edns_rule_read(struct setup *s, struct rule *rule, const struct view *words, size_t count)
{
	struct edns_rule *e = &rule->edns;
	if (count < 2)
		return setup_error_plain(s, "too few arguments for an EDNS0 rule");
	if (!read_action(s, e, words[1]) || !read_kind(s, e, words[0]))
		return false;
	e->reverts = e->action != EDNS_UNSET && view_is(words[count - 1], "revert");
	size_t rest = count - 2 - e->reverts;
	switch (e->kind) {
	case EDNS_NSID:
		return read_nsid(s, e, rest);
	case EDNS_SUBNET:
		return read_subnet(s, e, words + 2, rest);
	default:
		return read_local(s, e, words + 2, rest);
	}
}
