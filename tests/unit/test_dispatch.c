/* server/intake, server/dispatch, server/chain: what becomes of a message before, in and after the chain. */
#include "test.h"

#include "base/hash.h"
#include "server/bare_reply.h"
#include "server/chain.h"
#include "server/config.h"
#include "server/dispatch.h"
#include "server/intake.h"
#include "server/registry.h"

/* --- plugins of the test's own --- */

struct named {
	struct view word;
};

static bool named_setup(struct setup *s)
{
	struct named *n = s->state;
	return arg_need(s, &n->word) && arg_end(s);
}

/* Answers with its word as TXT. */
static int answer_serve(struct plugin *self, struct query *q)
{
	struct named *n = self->state;
	reply_new(q, RCODE_NOERROR, REPLY_AA);
	reply_add(q, SECTION_ANSWER, q->name, TYPE_TXT, 60, rdata_txt(q->arena, n->word));
	query_why(q, "always says %.*s", VIEW_ARGS(n->word));
	return RCODE_NOERROR;
}

static int pass_serve(struct plugin *self, struct query *q)
{
	return next(self, q);
}

/* Takes only names whose first label is its word. */
static bool filter_filter(struct plugin *self, struct query *q)
{
	struct named *n = self->state;
	return view_equal(name_first_label(q->name), n->word);
}

static bool anyclass_setup(struct setup *s)
{
	s->block->takes_any_class = true;
	return true;
}

static const struct plugin_type pass = { .name = "pass", .serve = pass_serve };
static const struct plugin_type filter = { .name = "filter",
	.arguments = "WORD",
	.state_size = sizeof(struct named),
	.setup = named_setup,
	.filter = filter_filter };
static const struct plugin_type anyclass = { .name = "anyclass", .setup = anyclass_setup };
static const struct plugin_type answer = { .name = "answer",
	.arguments = "WORD",
	.state_size = sizeof(struct named),
	.setup = named_setup,
	.serve = answer_serve };

static const struct plugin_entry entries[] = {
	{ "pass", &pass },
	{ "filter", &filter },
	{ "anyclass", &anyclass },
	{ "answer", &answer },
	{ "later", NULL },
};

/* --- a configuration and a query --- */

struct fixture {
	struct arena *arena;
	struct config *config;
	struct complaints complaints;
	struct listener listener;
	struct query q;
};

static bool configure(struct fixture *f, const char *corefile)
{
	*f = (struct fixture){ .arena = arena_new(65536) };
	complaints_init(&f->complaints, f->arena);
	struct corefile *c =
		corefile_parse(f->arena, view_of(corefile), "Corefile", "53", &f->complaints);
	f->config = c ? config_build(f->arena, c, 1, false, &f->complaints) : NULL;
	f->listener.name = (char *)"dns://:53";
	return f->config != NULL;
}

static struct incoming incoming(const uint8_t *wire, size_t length)
{
	return (struct incoming){ .wire = wire, .length = length, .transport = TRANSPORT_UDP };
}

static void ask(struct fixture *f, const char *qname, uint16_t type, uint16_t class)
{
	f->q = (struct query){ .arena = f->arena, .listener = &f->listener };
	f->q.request.id = 7;
	f->q.request.flags = FLAG_RD;
	f->q.request.has_question = true;
	query_set_question(&f->q, name_from_text(f->arena, view_of(qname)), type, class);
	dispatch(&f->q, f->config->groups);
}

/* The TXT of the answer, or the rcode's mnemonic when there is none. */
static const char *said(struct fixture *f)
{
	static char text[64];
	struct message *r = f->q.reply;
	if (!r)
		return "nothing";
	if (r->section[SECTION_ANSWER].count == 0)
		return rcode_print(r->rcode, text);
	struct view rdata = record_rdata(&r->section[SECTION_ANSWER].records[0]);
	snprintf(text, sizeof text, "%.*s", (int)rdata.length - 1, rdata.at + 1);
	return text;
}

static const char *said_to(struct fixture *f, const char *qname)
{
	ask(f, qname, TYPE_TXT, CLASS_IN);
	return said(f);
}

/* --- dispatch --- */

static void longest_zone_answers(void **state)
{
	(void)state;
	struct fixture f;
	assert_true(configure(&f, "example.org {\n answer short\n}\nwww.example.org {\n answer long\n}\n"));
	assert_string_equal(said_to(&f, "a.example.org."), "short");
	assert_string_equal(said_to(&f, "A.WWW.example.ORG."), "long");
	assert_string_equal(said_to(&f, "example.com."), "REFUSED");
	assert_int_equal(f.q.reply->flags, FLAG_QR | FLAG_RD);
	arena_free(f.arena);
}

static void views_are_asked_in_order_then_the_parent(void **state)
{
	(void)state;
	struct fixture f;
	assert_true(configure(&f, "example.org {\n filter a\n answer first\n}\n"
				  "example.org {\n filter b\n answer second\n}\n"
				  "org {\n answer parent\n}\n"));
	assert_string_equal(said_to(&f, "a.example.org."), "first");
	assert_string_equal(said_to(&f, "b.example.org."), "second");
	assert_string_equal(said_to(&f, "c.example.org."), "parent");
	arena_free(f.arena);
}

static void block_without_plugins_refuses(void **state)
{
	(void)state;
	struct fixture f;
	assert_true(configure(&f, "example.org {\n}\norg {\n answer parent\n}\n"));
	assert_string_equal(said_to(&f, "a.example.org."), "REFUSED");
	assert_string_equal(said_to(&f, "a.org."), "parent");
	arena_free(f.arena);
}

static void ds_goes_to_the_parents_side(void **state)
{
	(void)state;
	struct fixture f;
	assert_true(configure(&f, "sub.example.org {\n answer child\n}\nexample.org {\n answer parent\n}\n"
				  "org {\n answer grandparent\n}\n"));
	ask(&f, "sub.example.org.", TYPE_DS, CLASS_IN);
	assert_string_equal(said(&f), "parent");
	ask(&f, "x.sub.example.org.", TYPE_DS, CLASS_IN);
	assert_string_equal(said(&f), "child");
	ask(&f, "org.", TYPE_DS, CLASS_IN);
	assert_string_equal(said(&f), "grandparent");
	arena_free(f.arena);
}

static void other_classes_need_a_plugin_for_them(void **state)
{
	(void)state;
	struct fixture f;
	assert_true(configure(&f, ". {\n answer x\n}\n"));
	ask(&f, "version.bind.", TYPE_TXT, CLASS_CH);
	assert_string_equal(said(&f), "REFUSED");
	arena_free(f.arena);
	assert_true(configure(&f, ". {\n answer x\n}\nother.example {\n anyclass\n answer y\n}\n"));
	ask(&f, "version.bind.", TYPE_TXT, CLASS_CH);
	assert_string_equal(said(&f), "x");
	arena_free(f.arena);
}

static void chain_without_an_end_fails(void **state)
{
	(void)state;
	struct fixture f;
	assert_true(configure(&f, ". {\n pass\n}\n"));
	assert_string_equal(said_to(&f, "x."), "SERVFAIL");
	assert_string_equal(f.q.error, "plugin/pass: no next plugin found");
	arena_free(f.arena);
}

static void reply_names_its_writer_and_the_trace_its_way(void **state)
{
	(void)state;
	struct fixture f;
	assert_true(configure(&f, ". {\n pass\n answer x\n}\n"));
	ask(&f, "x.", TYPE_TXT, CLASS_IN);
	assert_ptr_equal(f.q.answered_by->type, &answer);

	struct trace t = { .last = &t.first };
	f.q.reply = NULL;
	f.q.trace = &t;
	assert_int_equal(chain_serve(f.config->blocks->chain, &f.q), RCODE_NOERROR);
	assert_ptr_equal(t.first->plugin->type, &pass);
	assert_true(t.first->passed_on);
	assert_false(t.first->answered);
	assert_ptr_equal(t.first->next->plugin->type, &answer);
	assert_true(t.first->next->answered);
	assert_string_equal(t.first->next->why, "always says x");
	assert_null(t.first->next->next);
	arena_free(f.arena);
}

static void edns_version_is_refused(void **state)
{
	(void)state;
	struct fixture f;
	assert_true(configure(&f, ". {\n answer x\n}\n"));
	f.q = (struct query){ .arena = f.arena, .listener = &f.listener };
	f.q.request.has_question = true;
	f.q.request.edns = (struct edns){ .present = true, .version = 1, .udp_size = 4096 };
	query_set_question(&f.q, name_root, TYPE_SOA, CLASS_IN);
	dispatch(&f.q, f.config->groups);
	assert_string_equal(said(&f), "BADVERS");
	assert_true(f.q.reply->edns.present);
	assert_int_equal(f.q.reply->edns.version, 0);
	arena_free(f.arena);
}

/* --- building --- */

static void refused(const char *corefile, const char *text)
{
	struct fixture f;
	assert_false(configure(&f, corefile));
	assert_non_null(f.complaints.first);
	if (!strstr(f.complaints.first->text, text))
		fail_msg("'%s' does not say '%s'", f.complaints.first->text, text);
	arena_free(f.arena);
}

static void collisions_are_refused(void **state)
{
	(void)state;
	refused("example.org {\n answer x\n}\nexample.org {\n answer y\n}\n",
		"cannot serve dns://example.org.:53 - it is already defined");
	refused("example.org {\n later\n}\n", "not built into this version");
}

/* --- intake --- */

static enum intake take(struct fixture *f, const uint8_t *wire, size_t length)
{
	struct incoming in = incoming(wire, length);
	memset(&f->q, 0, sizeof f->q);
	f->q.arena = f->arena;
	return intake_read(&f->q, &in);
}

#define QUESTION "\3www\7example\3org\0\0\1\0\1"

#define TAKE(f, literal) take((f), (const uint8_t *)(literal), sizeof(literal) - 1)

static void intake_keeps_to_the_rule(void **state)
{
	(void)state;
	struct fixture f = { .arena = arena_new(4096) };
	assert_int_equal(TAKE(&f, "\0"), INTAKE_DROP);
	assert_int_equal(TAKE(&f, "\0\7\1\0\0\1\0\0\0\0\0"), INTAKE_DROP);
	assert_int_equal(TAKE(&f, "\0\7\x81\0\0\1\0\0\0\0\0\0" QUESTION), INTAKE_DROP);
	assert_int_equal(TAKE(&f, "\0\7\1\0\0\1\0\0\0\0\0\0" QUESTION), INTAKE_QUERY);
	assert_int_equal(f.q.request.id, 7);
	assert_int_equal(f.q.name.length, 17);
	assert_int_equal(TAKE(&f, "\0\7\x21\0\0\1\0\0\0\0\0\0" QUESTION), INTAKE_QUERY); /* NOTIFY */
	assert_int_equal(TAKE(&f, "\0\7\x29\0\0\1\0\0\0\0\0\0" QUESTION), INTAKE_REFUSED); /* UPDATE */
	assert_int_equal(f.q.reply->rcode, RCODE_NOTIMP);
	assert_int_equal(f.q.reply->opcode, OPCODE_UPDATE);
	assert_int_equal(TAKE(&f, "\0\7\7\xf0\0\2\0\0\0\0\0\0" QUESTION), INTAKE_REFUSED);
	assert_int_equal(f.q.reply->rcode, RCODE_FORMERR);
	assert_int_equal(f.q.reply->flags, FLAG_QR | FLAG_RD | FLAG_AD | FLAG_CD);
	assert_false(f.q.reply->has_question);
	assert_int_equal(TAKE(&f, "\0\7\1\0\0\1\0\2\0\0\0\0" QUESTION), INTAKE_REFUSED);
	assert_int_equal(TAKE(&f, "\0\7\1\0\0\1\0\0\0\2\0\0" QUESTION), INTAKE_REFUSED);
	assert_int_equal(TAKE(&f, "\0\7\1\0\0\1\0\0\0\0\0\3" QUESTION), INTAKE_REFUSED);
	assert_int_equal(TAKE(&f, "\0\7\1\0\0\1\0\0\0\0\0\0"), INTAKE_QUERY); /* header alone: answered SERVFAIL */
	assert_false(f.q.request.has_question);
	assert_int_equal(TAKE(&f, "\0\7\1\0\0\1\0\0\0\0\0\0\3ww"), INTAKE_REFUSED);
	assert_int_equal(TAKE(&f, "\0\7\1\0\0\1\0\0\0\0\0\0\xc0\x0c\0\1\0\1"), INTAKE_REFUSED);
	arena_free(f.arena);
}

static void options_go_back_when_they_are_known(void **state)
{
	(void)state;
	struct arena *arena = arena_new(4096);
	struct query q = { .arena = arena };
	q.request.has_question = true;
	q.request.edns = (struct edns){ .present = true, .udp_size = 1400, .flags = 0x80ff };
	edns_option_add(&q.request.edns, arena, OPTION_COOKIE, VIEW("12345678"));
	edns_option_add(&q.request.edns, arena, OPTION_SUBNET, VIEW("\0\1\30\0\300\0\2"));
	query_set_question(&q, name_root, TYPE_A, CLASS_IN);
	bare_reply(&q, RCODE_REFUSED);
	reply_finish_edns(&q);
	struct view data;
	assert_true(q.reply->edns.present);
	assert_int_equal(q.reply->edns.udp_size, 1400);
	assert_int_equal(q.reply->edns.flags, EDNS_DO);
	assert_true(edns_option_find(&q.reply->edns, OPTION_COOKIE, &data));
	assert_false(edns_option_find(&q.reply->edns, OPTION_SUBNET, &data));
	arena_free(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(longest_zone_answers),
		cmocka_unit_test(views_are_asked_in_order_then_the_parent),
		cmocka_unit_test(block_without_plugins_refuses),
		cmocka_unit_test(ds_goes_to_the_parents_side),
		cmocka_unit_test(other_classes_need_a_plugin_for_them),
		cmocka_unit_test(chain_without_an_end_fails),
		cmocka_unit_test(reply_names_its_writer_and_the_trace_its_way),
		cmocka_unit_test(edns_version_is_refused),
		cmocka_unit_test(collisions_are_refused),
		cmocka_unit_test(intake_keeps_to_the_rule),
		cmocka_unit_test(options_go_back_when_they_are_known),
	};
	hash_init();
	registry_set(entries, sizeof entries / sizeof entries[0]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
