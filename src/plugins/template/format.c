/* printf of templates: the verbs of Go's fmt that make sense for texts, numbers and truth. */
#include "plugins/template/functions.h"

#include "base/float.h"
#include "base/utf8.h"
#include <stdio.h>

enum { WIDTH_MAX = 1000 };

/* %[flags][width][.precision]verb */
struct verb {
	bool minus, plus, sharp, space, zero;
	bool has_precision;
	size_t width, precision;
	char letter;
};

struct formatting {
	struct arena_text *to;
	const struct value *arguments;
	size_t count, next;
};

/* --- reading a verb --- */

static bool take_flag(struct verb *v, char c)
{
	bool *flag = c == '-'	? &v->minus
		     : c == '+' ? &v->plus
		     : c == '#' ? &v->sharp
		     : c == ' ' ? &v->space
		     : c == '0' ? &v->zero
				: NULL;
	if (flag)
		*flag = true;
	return flag;
}

static size_t take_size(struct view *rest)
{
	size_t n = 0;
	while (rest->length && rest->at[0] >= '0' && rest->at[0] <= '9') {
		n = n * 10 + (size_t)(rest->at[0] - '0');
		if (n > WIDTH_MAX)
			n = WIDTH_MAX;
		*rest = view_skip(*rest, 1);
	}
	return n;
}

/* Takes a verb off behind its %; its letter is 0 when the format ends before. */
static struct verb take_verb(struct view *rest)
{
	struct verb v = { 0 };
	while (rest->length && take_flag(&v, rest->at[0]))
		*rest = view_skip(*rest, 1);
	v.width = take_size(rest);
	if (rest->length && rest->at[0] == '.') {
		*rest = view_skip(*rest, 1);
		v.has_precision = true;
		v.precision = take_size(rest);
	}
	if (rest->length) {
		v.letter = rest->at[0];
		*rest = view_skip(*rest, 1);
	}
	return v;
}

/* --- writing --- */

static void fill(struct arena_text *to, char c, size_t count)
{
	for (size_t i = 0; i < count; i++)
		arena_text_add_char(to, c);
}

/* Characters, not octets, count for widths. */
static size_t characters(struct view text)
{
	size_t n = 0;
	for (size_t i = 0; i < text.length; i++)
		n += ((unsigned char)text.at[i] & 0xc0) != 0x80;
	return n;
}

static void padded(struct arena_text *to, const struct verb *v, struct view text, bool number)
{
	size_t length = characters(text), more = v->width > length ? v->width - length : 0;
	if (v->minus) {
		arena_text_add(to, text);
		fill(to, ' ', more);
		return;
	}
	bool zeros = v->zero; /* texts, too */
	bool sign = zeros && number && text.length && strchr("+- ", text.at[0]);
	arena_text_add(to, view_first(text, sign));
	fill(to, zeros ? '0' : ' ', more);
	arena_text_add(to, view_skip(text, sign));
}

static void quoted(struct arena_text *to, struct view text)
{
	arena_text_add_char(to, '"');
	for (size_t i = 0; i < text.length; i++) {
		unsigned char c = (unsigned char)text.at[i];
		char room[8];
		if (c == '"' || c == '\\')
			arena_text_add_char(to, '\\');
		if (c >= 0x20 && c != 0x7f) {
			arena_text_add_char(to, (char)c);
			continue;
		}
		const char *named = strchr("\a\b\f\n\r\t\v", c);
		if (c && named)
			snprintf(room, sizeof room, "\\%c", "abfnrtv"[named - "\a\b\f\n\r\t\v"]);
		else
			snprintf(room, sizeof room, "\\x%02x", c);
		arena_text_add_string(to, room);
	}
	arena_text_add_char(to, '"');
}

static void format_text(struct arena_text *to, const struct verb *v, struct view text)
{
	struct arena_text made = { .arena = to->arena, .limit = to->limit };
	if (v->has_precision && v->precision < text.length)
		text.length = v->precision;
	if (v->letter == 'q') {
		quoted(&made, text);
		text = arena_text_view(&made);
	} else if (v->letter == 'x' || v->letter == 'X') {
		for (size_t i = 0; i < text.length; i++) {
			char room[4];
			snprintf(room, sizeof room, v->letter == 'x' ? "%02x" : "%02X",
				(unsigned char)text.at[i]);
			arena_text_add_string(&made, room);
		}
		text = arena_text_view(&made);
	}
	padded(to, v, text, false);
}

/* The digits of n in a base, before `end`; gives where they begin. */
static char *digits_before(char *end, uint64_t n, unsigned base, bool upper, size_t least)
{
	const char *digits = upper ? "0123456789ABCDEF" : "0123456789abcdef";
	char *at = end;
	do {
		*--at = digits[n % base];
		n /= base;
	} while (n);
	while ((size_t)(end - at) < least)
		*--at = '0';
	return at;
}

static unsigned base_of(char letter)
{
	switch (letter) {
	case 'b':
		return 2;
	case 'o':
		return 8;
	case 'x':
	case 'X':
		return 16;
	default:
		return 10;
	}
}

static void format_integer(struct arena_text *to, const struct verb *v, int64_t n)
{
	char room[128 + 4], *end = room + sizeof room;
	uint64_t size = n < 0 ? 0 - (uint64_t)n : (uint64_t)n;
	size_t least = v->has_precision ? v->precision : 1;
	char *at = digits_before(
		end, size, base_of(v->letter), v->letter == 'X', least < 128 ? least : 128);
	if (v->sharp && base_of(v->letter) == 16) {
		*--at = v->letter;
		*--at = '0';
	}
	if (n < 0 || v->plus || v->space)
		*--at = n < 0 ? '-' : v->plus ? '+' : ' ';
	padded(to, v, (struct view){ at, (size_t)(end - at) }, true);
}

/* As printf of C prints it, which has the same verbs. */
static int real_text(char *room, size_t size, char letter, int precision, double n)
{
	switch (letter) {
	case 'e':
		return snprintf(room, size, "%.*e", precision, n);
	case 'E':
		return snprintf(room, size, "%.*E", precision, n);
	case 'g':
		return snprintf(room, size, "%.*g", precision, n);
	case 'G':
		return snprintf(room, size, "%.*G", precision, n);
	default:
		return snprintf(room, size, "%.*f", precision, n);
	}
}

/* The fewest digits that read back as the same number. */
static void format_shortest(struct arena_text *to, const struct verb *v, double n)
{
	char room[FLOAT_TEXT_MAX];
	size_t length = float_print(n, room);
	for (size_t i = 0; i < length && v->letter == 'G'; i++)
		room[i] = room[i] == 'e' ? 'E' : room[i];
	padded(to, v, (struct view){ room, length }, true);
}

static void format_real(struct arena_text *to, const struct verb *v, double n)
{
	char room[512];
	if ((v->letter == 'g' || v->letter == 'G') && !v->has_precision && !v->plus) {
		format_shortest(to, v, n);
		return;
	}
	size_t precision = v->has_precision ? v->precision : 6, start = 1;
	int length = real_text(
		room + 1, sizeof room - 1, v->letter, precision < 100 ? (int)precision : 100, n);
	size_t taken = (size_t)length < sizeof room - 1 ? (size_t)length : sizeof room - 2;
	if (v->plus && room[1] != '-') {
		room[0] = '+';
		start = 0;
	}
	padded(to, v, (struct view){ room + start, taken + 1 - start }, true);
}

static void format_plain(struct arena_text *to, const struct verb *v, const struct value *a)
{
	struct arena_text made = { .arena = to->arena, .limit = to->limit };
	value_print(&made, a);
	padded(to, v, arena_text_view(&made), value_is_number(a));
}

/* "%!d(string=abc)": what Go says of a verb that does not fit its argument. */
static void format_misfit(struct arena_text *to, const struct verb *v, const struct value *a)
{
	arena_text_add_string(to, "%!");
	arena_text_add_char(to, v->letter);
	arena_text_add_char(to, '(');
	if (a->kind != VALUE_NIL) {
		arena_text_add_string(to, value_kind_name(a->kind));
		arena_text_add_char(to, '=');
	}
	value_print(to, a);
	arena_text_add_char(to, ')');
}

static void format_character(struct arena_text *to, const struct verb *v, int64_t code)
{
	char room[4];
	size_t length = code >= 0 && code <= 0x10ffff ? utf8_encode((uint32_t)code, room) : 0;
	padded(to, v, length ? (struct view){ room, length } : VIEW("\xef\xbf\xbd"), false);
}

static void format_argument(struct arena_text *to, const struct verb *v, const struct value *a)
{
	if (v->letter == 'v' || (v->letter == 't' && a->kind == VALUE_BOOL))
		format_plain(to, v, a);
	else if (a->kind == VALUE_STRING && strchr("sqxX", v->letter))
		format_text(to, v, a->text);
	else if (a->kind == VALUE_INT && strchr("dbxXo", v->letter))
		format_integer(to, v, a->integer);
	else if (a->kind == VALUE_INT && v->letter == 'c')
		format_character(to, v, a->integer);
	else if (a->kind == VALUE_FLOAT && strchr("feEgG", v->letter))
		format_real(to, v, a->real);
	else if (v->letter == 's' && (a->kind == VALUE_ARRAY || a->kind == VALUE_MAP))
		format_plain(to, v, a);
	else
		format_misfit(to, v, a);
}

static void format_verb(struct formatting *f, struct view *rest)
{
	struct verb v = take_verb(rest);
	if (!v.letter) {
		arena_text_add_string(f->to, "%!(NOVERB)");
	} else if (v.letter == '%') {
		arena_text_add_char(f->to, '%');
	} else if (f->next == f->count) {
		arena_text_add_string(f->to, "%!");
		arena_text_add_char(f->to, v.letter);
		arena_text_add_string(f->to, "(MISSING)");
	} else {
		format_argument(f->to, &v, &f->arguments[f->next++]);
	}
}

static void format_extra(struct formatting *f)
{
	arena_text_add_string(f->to, "%!(EXTRA ");
	for (size_t i = f->next; i < f->count; i++) {
		if (i > f->next)
			arena_text_add_string(f->to, ", ");
		arena_text_add_string(f->to, value_kind_name(f->arguments[i].kind));
		if (f->arguments[i].kind != VALUE_NIL) {
			arena_text_add_char(f->to, '=');
			value_print(f->to, &f->arguments[i]);
		}
	}
	arena_text_add_char(f->to, ')');
}

void goformat(
	struct arena_text *to, struct view format, const struct value *arguments, size_t count)
{
	struct formatting f = { to, arguments, count, 0 };
	struct view rest = format;
	while (rest.length && !to->cut) {
		size_t literal = view_find(rest, '%');
		arena_text_add(to, view_first(rest, literal));
		rest = view_skip(rest, literal);
		if (rest.length == 0)
			break;
		rest = view_skip(rest, 1);
		format_verb(&f, &rest);
	}
	if (f.next < f.count && !to->cut)
		format_extra(&f);
}
