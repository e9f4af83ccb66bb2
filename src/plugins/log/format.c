/* Log formats: a list of pieces, each a literal or a placeholder with a function that writes it. */
#include "plugins/log/format.h"

#include "base/clock.h"
#include "base/float.h"
#include "base/text.h"
#include "server/bare_reply.h"
#include "server/listener.h"
#include <stdio.h>

#define COMMON                                                                                     \
	"{remote}:{port} - {>id} \"{type} {class} {name} {proto} {size} {>do} {>bufsize}\" "       \
	"{rcode} {>rflags} "                                                                       \
	"{rsize} {duration}"

const char log_format_common[] = COMMON;
static const char log_format_combined[] = COMMON " \"{>opcode}\"";

enum {
	SHORT = 64,	     /* more than any number, mnemonic, address or set of flags takes */
	ANSWERS_ROOM = 4096, /* what of the answers is shown */
};

/* The line being written; the room has been measured before. */
struct line {
	char *at;
	size_t length, room;
	struct query *q;
	struct name name;
	const struct message *reply;
};

struct piece {
	void (*write)(struct line *l, struct view word);
	size_t room; /* octets that it takes at most; a literal's or metadata's is its length */
	struct view word; /* the literal, the metadata's label */
};

struct log_format {
	struct piece *pieces;
	size_t count;
};

/* --- pieces --- */

static void add(struct line *l, struct view v)
{
	if (v.length > l->room - l->length)
		v.length = l->room - l->length;
	if (v.length)
		memcpy(l->at + l->length, v.at, v.length);
	l->length += v.length;
}

static void add_string(struct line *l, const char *s)
{
	add(l, view_of(s));
}

static void add_number(struct line *l, uint64_t n)
{
	char digits[24];
	size_t at = sizeof digits;
	do {
		digits[--at] = (char)('0' + n % 10);
	} while (n /= 10);
	add(l, (struct view){ digits + at, sizeof digits - at });
}

static void write_literal(struct line *l, struct view word)
{
	add(l, word);
}

static void write_metadata(struct line *l, struct view word)
{
	struct view value;
	add(l, metadata_get(l->q, word, &value) ? value : VIEW("-"));
}

static void write_type(struct line *l, struct view word)
{
	char mnemonic[MNEMONIC_MAX];
	add_string(l, type_print(query_type(l->q), mnemonic));
}

static void write_class(struct line *l, struct view word)
{
	char mnemonic[MNEMONIC_MAX];
	add_string(l, class_print(query_class(l->q), mnemonic));
}

static void write_name(struct line *l, struct view word)
{
	char text[NAME_TEXT_MAX];
	size_t length = name_print(l->name, text);
	add(l, (struct view){ text, length });
}

static void write_proto(struct line *l, struct view word)
{
	add_string(l, query_proto(l->q));
}

static void write_size(struct line *l, struct view word)
{
	add_number(l, message_size(&l->q->request));
}

static void add_address(struct line *l, const struct endpoint *e)
{
	char text[ENDPOINT_TEXT_MAX];
	size_t length = endpoint_print_ip(e, text);
	if (endpoint_is_v6(e))
		add_string(l, "[");
	add(l, (struct view){ text, length });
	if (endpoint_is_v6(e))
		add_string(l, "]");
}

static void write_remote(struct line *l, struct view word)
{
	add_address(l, &l->q->client);
}

/* Over UDP the socket's address, as CoreDNS has it: the wildcard where no address was bound. */
static void write_local(struct line *l, struct view word)
{
	add_address(l, query_is_stream(l->q) ? &l->q->local : &l->q->listener->local);
}

static void write_port(struct line *l, struct view word)
{
	add_number(l, endpoint_port(&l->q->client));
}

static void write_id(struct line *l, struct view word)
{
	add_number(l, l->q->request.id);
}

static void write_opcode(struct line *l, struct view word)
{
	add_number(l, l->q->request.opcode);
}

static void write_do(struct line *l, struct view word)
{
	add_string(l, query_wants_dnssec(l->q) ? "true" : "false");
}

static void write_bufsize(struct line *l, struct view word)
{
	add_number(l, query_reply_size(l->q));
}

static void write_rcode(struct line *l, struct view word)
{
	char mnemonic[MNEMONIC_MAX];
	add_string(l, l->reply ? rcode_print(l->reply->rcode, mnemonic) : "-");
}

static void write_rflags(struct line *l, struct view word)
{
	static const struct {
		uint16_t flag;
		char name[3];
	} names[] = { { FLAG_QR, "qr" }, { FLAG_AA, "aa" }, { FLAG_TC, "tc" }, { FLAG_RD, "rd" },
		{ FLAG_RA, "ra" }, { FLAG_Z, "z" }, { FLAG_AD, "ad" }, { FLAG_CD, "cd" } };
	if (!l->reply) {
		add_string(l, "-");
		return;
	}
	const char *comma = "";
	unsigned flags = l->reply->flags;
	if (l->reply == l->q->reply && reply_is_cut(l->q))
		flags |= FLAG_TC;
	for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (!(flags & names[i].flag))
			continue;
		add_string(l, comma);
		add_string(l, names[i].name);
		comma = ",";
	}
}

static void write_rsize(struct line *l, struct view word)
{
	add_number(l, l->reply ? message_size(l->reply) : 0);
}

/* "CNAME www.example., A 192.0.2.1": what the answer section says of whichever owner. */
static void write_answers(struct line *l, struct view word)
{
	const struct section *s = l->reply ? &l->reply->section[SECTION_ANSWER] : NULL;
	struct text t = { 0 };
	for (size_t i = 0; s && i < s->count && t.length < ANSWERS_ROOM; i++) {
		char mnemonic[MNEMONIC_MAX];
		const struct record *r = &s->records[i];
		text_add_string(&t, i ? ", " : "");
		text_add_string(&t, type_print(r->type, mnemonic));
		text_add_char(&t, ' ');
		rdata_print(&t, r->type, record_rdata(r));
	}
	if (!t.length)
		text_add_char(&t, '-');
	struct view v = text_view(&t);
	add(l, view_first(v, v.length < ANSWERS_ROOM ? v.length : ANSWERS_ROOM));
	text_free(&t);
}

static void write_duration(struct line *l, struct view word)
{
	char text[FLOAT_DECIMAL_MAX];
	double seconds = (double)(clock_now() - l->q->started) / (double)NS_PER_S;
	size_t length = float_print_decimal(seconds, text);
	add(l, (struct view){ text, length });
	add_string(l, "s");
}

static const struct placeholder {
	const char *word;
	void (*write)(struct line *l, struct view word);
	size_t room;
} placeholders[] = {
	{ "{type}", write_type, SHORT },
	{ "{class}", write_class, SHORT },
	{ "{name}", write_name, NAME_TEXT_MAX },
	{ "{proto}", write_proto, SHORT },
	{ "{size}", write_size, SHORT },
	{ "{remote}", write_remote, ENDPOINT_TEXT_MAX + 2 },
	{ "{local}", write_local, ENDPOINT_TEXT_MAX + 2 },
	{ "{port}", write_port, SHORT },
	{ "{>id}", write_id, SHORT },
	{ "{>opcode}", write_opcode, SHORT },
	{ "{>do}", write_do, SHORT },
	{ "{>bufsize}", write_bufsize, SHORT },
	{ "{rcode}", write_rcode, SHORT },
	{ "{>rflags}", write_rflags, SHORT },
	{ "{rsize}", write_rsize, SHORT },
	{ "{duration}", write_duration, SHORT },
	{ "{answers}", write_answers, ANSWERS_ROOM },
};

/* --- reading --- */

static struct view replaced(struct arena *arena, struct view text, struct view word, const char *by)
{
	struct text t = { 0 };
	const char *at;
	while (text.length && (at = memmem(text.at, text.length, word.at, word.length))) {
		size_t before = (size_t)(at - text.at);
		text_add(&t, view_first(text, before));
		text_add_string(&t, by);
		text = view_skip(text, before + word.length);
	}
	text_add(&t, text);
	text = arena_copy(arena, text_view(&t));
	text_free(&t);
	return text;
}

static void add_piece(struct log_format *f, struct piece p)
{
	if (p.write != write_literal || p.word.length > 0)
		f->pieces[f->count++] = p;
}

static void add_literal(struct log_format *f, struct view text)
{
	add_piece(f, (struct piece){ write_literal, text.length, text });
}

/* A placeholder in its braces; false if it is none. */
static bool add_placeholder(struct log_format *f, struct view before, struct view word)
{
	for (size_t i = 0; i < sizeof placeholders / sizeof placeholders[0]; i++) {
		const struct placeholder *p = &placeholders[i];
		if (view_is(word, p->word)) {
			add_literal(f, before);
			add_piece(f, (struct piece){ p->write, p->room, word });
			return true;
		}
	}
	if (!view_starts(word, VIEW("{/")))
		return false;
	add_literal(f, before);
	add_piece(f, (struct piece){ write_metadata, 1, { word.at + 2, word.length - 3 } });
	return true;
}

static size_t last_brace(struct view v)
{
	size_t i = v.length;
	while (i > 0 && v.at[i - 1] != '{')
		i--;
	return i;
}

/* A placeholder goes from the last '{' before the first '}' to that one. */
const struct log_format *log_format_read(struct arena *arena, struct view text)
{
	text = replaced(arena, text, VIEW("{combined}"), log_format_combined);
	text = replaced(arena, text, VIEW("{common}"), log_format_common);
	struct log_format *f = arena_new_object(arena, struct log_format);
	f->pieces = arena_array(arena, text.length + 1, sizeof *f->pieces);
	size_t end;
	while ((end = view_find(text, '}')) < text.length) {
		size_t begin = last_brace(view_first(text, end));
		struct view before = view_first(text, begin ? begin - 1 : 0);
		struct view word = { text.at + before.length, end + 1 - before.length };
		if (!begin || !add_placeholder(f, before, word))
			add_literal(f, view_first(text, end + 1));
		text = view_skip(text, end + 1);
	}
	add_literal(f, text);
	return f;
}

bool log_format_shows_answers(const struct log_format *f)
{
	for (size_t i = 0; i < f->count; i++) {
		if (f->pieces[i].write == write_answers)
			return true;
	}
	return false;
}

bool log_format_shows(const struct log_format *f, struct view label)
{
	for (size_t i = 0; i < f->count; i++) {
		if (f->pieces[i].write == write_metadata && view_equal(f->pieces[i].word, label))
			return true;
	}
	return false;
}

/* --- writing --- */

static size_t room_for(const struct log_format *f, struct query *q)
{
	size_t room = 0;
	for (size_t i = 0; i < f->count; i++) {
		const struct piece *p = &f->pieces[i];
		struct view value;
		room += p->room;
		if (p->write == write_metadata && metadata_get(q, p->word, &value))
			room += value.length;
	}
	return room;
}

struct view log_format_write(
	const struct log_format *f, struct query *q, struct name name, const struct message *reply)
{
	size_t room = room_for(f, q);
	struct line l = { arena_octets(q->arena, room), 0, room, q, name, reply };
	for (size_t i = 0; i < f->count; i++)
		f->pieces[i].write(&l, f->pieces[i].word);
	return (struct view){ l.at, l.length };
}
