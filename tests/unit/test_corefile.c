/* The Corefile language: words, environment, blocks, imports, keys. */
#include "test.h"

#include "base/hash.h"
#include "base/text.h"
#include "server/corefile.h"
#include "server/registry.h"
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* The names alone: no plugin is needed to read a Corefile. */
static const struct plugin_entry names[] = {
#define BUILT(word) { #word, NULL },
#define KNOWN(word) { #word, NULL },
#include "plugins/order.def"
#undef BUILT
#undef KNOWN
};

struct parsed {
	struct arena *arena;
	struct complaints complaints;
	struct corefile *corefile;
	struct text shown;
};

/* Blocks as "KEY KEY {name word word; name { option word / option };}": '/' is a new line inside a
 * directive. */
static void show_directive(struct text *t, const struct directive *d)
{
	for (size_t i = 0; i < d->count; i++) {
		if (i)
			text_add_string(t, d->words[i].first ? " / " : " ");
		text_add(t, d->words[i].text);
	}
	text_add_char(t, ';');
}

static void show_corefile(struct text *t, const struct corefile *corefile)
{
	for (const struct server_block *b = corefile->blocks; b; b = b->next) {
		if (b != corefile->blocks)
			text_add_char(t, ' ');
		for (size_t i = 0; i < b->key_count; i++)
			text_printf(t, "%s ", b->keys[i].text);
		text_add_char(t, '{');
		for (const struct directive *d = b->directives; d; d = d->next)
			show_directive(t, d);
		text_add_char(t, '}');
	}
}

static void show(struct parsed *p)
{
	text_add_string(&p->shown, "");
	for (const struct complaint *c = p->complaints.first; c; c = c->next) {
		if (c != p->complaints.first)
			text_add_char(&p->shown, '\n');
		text_printf(&p->shown, "%s%s", c->warning ? "warning: " : "", c->text);
	}
	if (!p->corefile || p->corefile->misnamed)
		return;
	if (p->complaints.first)
		text_add_char(&p->shown, '\n');
	show_corefile(&p->shown, p->corefile);
}

static void parsed_begin(struct parsed *p)
{
	*p = (struct parsed){ .arena = arena_new(4096) };
	complaints_init(&p->complaints, p->arena);
}

static void parsed_end(struct parsed *p)
{
	text_free(&p->shown);
	arena_free(p->arena);
}

static void expect(const char *text, const char *shown)
{
	struct parsed p;
	parsed_begin(&p);
	p.corefile = corefile_parse(p.arena, view_of(text), "Corefile", "53", &p.complaints);
	show(&p);
	assert_string_equal(p.shown.at, shown);
	parsed_end(&p);
}

/* The first complaint alone. */
static void expect_error(const char *text, const char *error)
{
	struct parsed p;
	parsed_begin(&p);
	p.corefile = corefile_parse(p.arena, view_of(text), "Corefile", "53", &p.complaints);
	assert_null(p.corefile);
	assert_non_null(p.complaints.first);
	assert_string_equal(p.complaints.first->text, error);
	parsed_end(&p);
}

/* --- words --- */

static void words_end_at_any_white_space(void **state)
{
	(void)state;
	expect(". {\nlog a\tb\vc\fd\xc2\x85"
	       "e\xc2\xa0"
	       "f\xe3\x80\x80g\n}\n",
		"dns://.:53 {log a b c d e f g;}");
}

static void a_byte_order_mark_is_dropped(void **state)
{
	(void)state;
	expect("\xef\xbb\xbf. {\nlog\n}\n", "dns://.:53 {log;}");
}

static void invalid_utf8_is_replaced(void **state)
{
	(void)state;
	expect(". {\nlog a\xff\xc3(\n}\n", "dns://.:53 {log a\xef\xbf\xbd\xef\xbf\xbd(;}");
}

static void carriage_returns_are_dropped_outside_quotes(void **state)
{
	(void)state;
	expect(".\r\n{\r\nlog a\rb \"c\rd\"\r\n}\r\n", "dns://.:53 {log ab c\rd;}");
}

static void quotes_only_stand_in_front(void **state)
{
	(void)state;
	expect(". {\nlog a\"b c\" \"d e\"f \"\"\n}\n", "dns://.:53 {log a\"b c\" d e f ;}");
}

static void quotes_span_lines(void **state)
{
	(void)state;
	expect(". {\nlog \"a\n b\" c\nerrors\n}\n", "dns://.:53 {log a\n b c;errors;}");
}

static void only_a_quote_is_escaped(void **state)
{
	(void)state;
	expect(". {\nlog \"a\\\"b\" \"a\\x\" \"a\\\\\" c\n}\n",
		"dns://.:53 {log a\"b a\\x a\\\\ c;}");
}

static void an_open_quote_takes_the_rest(void **state)
{
	(void)state;
	expect(".\nlog \"a b\n",
		"warning: the quote is not closed: the rest of the file is one word\n"
		"dns://.:53 {log a b\n;}");
	expect(".\nlog \"", "dns://.:53 {log;}");
}

static void comments_hide_the_rest_of_the_line(void **state)
{
	(void)state;
	expect("# one\n. { # two {\nlog a#b c\n#}\nerrors \"#\" # three\n}\n",
		"dns://.:53 {log a;errors #;}");
}

static void nothing_else_is_special(void **state)
{
	(void)state;
	expect(". {\nlog 'a b' `c \\\nerrors\n}\n", "dns://.:53 {log 'a b' `c \\;errors;}");
}

/* --- environment --- */

static void the_environment_is_put_in(void **state)
{
	(void)state;
	setenv("TEST_A", "one two", 1);
	setenv("TEST_B", "{$TEST_A}", 1);
	setenv("TEST_ZONE", "env.example", 1);
	expect("{$TEST_ZONE}:{%TEST_NONE%}5 {$TEST_NONE} {\nlog {$TEST_A} \"x{%TEST_A%}y\" "
	       "{$TEST_B}\n}\n",
		"dns://env.example.:5 {log one two xone twoy one two;}");
	expect(". {\nlog {$} {%%} {$TEST_A {$TEST_A:x}.\n}\n",
		"dns://.:53 {log {$} {%%} {$TEST_A .;}");
	setenv("TEST_DIRECTIVE", "errors", 1);
	expect(". {\n{$TEST_DIRECTIVE} x\n}\n", "dns://.:53 {errors x;}");
	setenv("TEST_BRACE", "{", 1);
	expect(". {\nlog {$TEST_BRACE} x\nerrors\n}\n", "dns://.:53 {log { x;errors;}");
}

static void a_variable_that_names_itself_is_an_error(void **state)
{
	(void)state;
	setenv("TEST_SELF", "{$TEST_SELF}", 1);
	setenv("TEST_GROWS", "{$TEST_GROWS}{$TEST_GROWS}", 1);
	expect_error(". {\nlog {$TEST_SELF}\n}\n", "Corefile:2 - Error during parsing: environment "
						   "reference without end in '{$TEST_SELF}': "
						   "a value refers to itself");
	expect_error(". {\nlog {$TEST_GROWS}\n}\n",
		"Corefile:2 - Error during parsing: environment reference without end in "
		"'{$TEST_GROWS}': a value refers to itself");
}

/* --- blocks --- */

static void blocks_take_many_forms(void **state)
{
	(void)state;
	expect(". {\n}\n", "dns://.:53 {}");
	expect(". { }", "dns://.:53 {}");
	expect(".", "dns://.:53 {}");
	expect("a. b., c.,\nd.\n{\nlog\n}\n",
		"dns://a.:53 dns://b.:53 dns://c.:53 dns://d.:53 {log;}");
	expect("a.\nlog\nerrors\n", "dns://a.:53 {log;errors;}");
	expect("a.\nlog\n}\nb.\nerrors\n", "dns://a.:53 {log;} dns://b.:53 {errors;}");
	expect(". { whoami\n}\n", "dns://.:53 {whoami;}");
	expect("a,b {\n}\n", "dns://a,b.:53 {}");
	expect("a. {\n}\nb. {\n}\n", "dns://a.:53 {} dns://b.:53 {}");
}

static void directives_end_with_their_line_or_their_brace(void **state)
{
	(void)state;
	expect(". {\nforward . 1.1.1.1 {\nexcept a b\nforce_tcp\n} x\nlog\n}\n",
		"dns://.:53 {forward . 1.1.1.1 { / except a b / force_tcp / } x;log;}");
	expect(". {\nforward .\n{\nforce_tcp\n}\nlog\n}\n",
		"dns://.:53 {forward . / { / force_tcp / };log;}");
	expect(". {\nlog \"{\" \"}\"\n}\n", "dns://.:53 {log { };}");
}

static void a_block_without_keys_is_thrown_away(void **state)
{
	(void)state;
	expect("{\nlog\n}\n. {\n}\n", "dns://.:53 {}");
	expect_error("{\nlgo\n}\n. {\n}\n",
		"Corefile:2 - Error during parsing: Unknown directive 'lgo' (did you mean 'log'?)");
}

static void no_block_is_the_built_in_corefile(void **state)
{
	(void)state;
	const char shown[] = "warning: Corefile has no server block: the built-in one is used\n"
			     "dns://.:53 {whoami;log;}";
	expect("", shown);
	expect("# nothing\n", shown);
	expect("(a) {\nlog\n}\n", shown);
}

static void what_is_surely_unmeant_is_a_warning(void **state)
{
	(void)state;
	expect("example.org{\nlog\n}\n",
		"warning: 'example.org{' is served as a zone: a blank is missing before '{'\n"
		"dns://example.org{.:53 {log;}");
	expect(". {\n}\n}\n", "warning: '}' closes nothing here: it is served as a zone\n"
			      "dns://.:53 {} dns://}.:53 {}");
}

static void broken_blocks_say_where(void **state)
{
	(void)state;
	expect_error("a., {\n}\n",
		"Corefile:1 - Error during parsing: Expected another address but "
		"had '{' - check for extra comma");
	expect_error("a.,", "Corefile:1 - Error during parsing: Unexpected EOF: another key was "
			    "expected after ','");
	expect_error("a.\nb.\n{\n}\n", "Corefile:2 - Error during parsing: Unknown directive 'b.' "
				       "(expected a directive or '}')");
	expect_error(". {\nwhoami\n",
		"Corefile:2 - Syntax error: Unexpected token 'whoami', expecting "
		"'}': the '{' of the server block in line 1 is not closed");
	expect_error(". {\nlog {\nclass all\n",
		"Corefile:3 - Error during parsing: Unexpected EOF: the "
		"'{' of 'log' in line 2 is not closed");
	expect_error(". { whoami }\n", "Corefile:1 - Error during parsing: Unexpected '}' because "
				       "no matching opening brace (the "
				       "'}' of a server block stands on a line of its own)");
	expect_error(".{\nlog\n}\n",
		"error inspecting server blocks: zone is not a valid domain name: .{");
}

static void all_errors_are_found_at_once(void **state)
{
	(void)state;
	expect(". {\nwhoamx\nlog\ncahce 30\n}\n:53 {\nimport\nnone\n}\n",
		"Corefile:2 - Error during parsing: Unknown directive 'whoamx' (did you mean "
		"'whoami'?)\n"
		"Corefile:4 - Error during parsing: Unknown directive 'cahce' (did you mean "
		"'cache'?)\n"
		"Corefile:7 - Error during parsing: Wrong argument count or unexpected line ending "
		"after "
		"'import'\n"
		"Corefile:8 - Error during parsing: Unknown directive 'none' (expected a directive "
		"or '}')\n"
		"error inspecting server blocks: zone is not a valid domain name: ");
}

/* --- snippets --- */

static void snippets_stand_in_for_their_words(void **state)
{
	(void)state;
	expect("(a) {\nlog\nerrors\n}\n. {\nimport a\nwhoami\n}\n",
		"dns://.:53 {log;errors;whoami;}");
	expect("(a)\n{ log }\n. {\nimport a\n}\n", "dns://.:53 {log;}");
	expect("(block) {\na. {\nlog\n}\nb. {\n}\n}\nimport block\nc. {\n}\n",
		"dns://a.:53 {log;} dns://b.:53 {} dns://c.:53 {}");
	expect("(opts) {\nforce_tcp\nmax_fails 3\n}\n. {\nforward . 1.1.1.1 {\nimport opts\nexcept "
	       "a\n}\n}\n",
		"dns://.:53 {forward . 1.1.1.1 { / force_tcp / max_fails 3 / except a / };}");
	expect("() {\nlog\n}\n(b) {\nimport c\n}\n(c) {\nerrors\n}\n. {\nimport b\n}\n",
		"dns://.:53 {errors;}");
	expect("(a) { errors }\n. { import a }\nb. {\nhosts { import a }\n}\n",
		"dns://.:53 {errors;} dns://b.:53 {hosts { / errors / };}");
	setenv("TEST_SNIPPET", "a", 1);
	expect("(a) {\nlog\n}\n. {\nimport {$TEST_SNIPPET}\n}\n", "dns://.:53 {log;}");
}

/* The words of both have the same lines: a directive's end is an end all the same. */
static void a_snippet_twice_is_two_directives(void **state)
{
	(void)state;
	expect("(a) { errors }\n. {\nimport a\nimport a\n}\n", "dns://.:53 {errors;errors;}");
	expect("(a) {\n192.0.2.1 a\n}\n. {\nhosts {\nimport a\nimport a\n}\n}\n",
		"dns://.:53 {hosts { / 192.0.2.1 a / 192.0.2.1 a / };}");
}

/* Behind a '}' begins something new, line or not. */
static void an_import_may_stand_behind_a_block(void **state)
{
	(void)state;
	expect("(a) { b. {\n log\n }\n} import a\n", "dns://b.:53 {log;}");
}

static void broken_snippets_say_where(void **state)
{
	(void)state;
	expect_error("(a) {\nlog\n}\n(a) {\n}\n. {\n}\n",
		"Corefile:4 - Error during parsing: redeclaration of previously declared snippet "
		"a");
	expect_error("(a)\nlog\n",
		"Corefile:2 - Syntax error: Unexpected token 'log', expecting '{': the "
		"body of snippet 'a'");
	expect_error("(a) {\nlog\n",
		"Corefile:2 - Syntax error: Unexpected token 'log', expecting '}': "
		"the '{' of snippet 'a' in line 1 is not closed");
	expect_error("(a) {\nimport a\n}\n. {\n}\n", "Corefile:3 - Error during parsing: maximum "
						     "snippet import depth (1000000) exceeded: "
						     "snippet "
						     "'a' imports itself");
	expect_error("(a) {\nimport b\n}\n(b) {\nimport a\n}\n. {\nimport a\n}\n",
		"Corefile:5 - Error during parsing: maximum snippet import depth (1000000) "
		"exceeded: "
		"snippet 'a' imports itself");
}

static void what_multiplies_has_an_end(void **state)
{
	(void)state;
	struct text t = { 0 };
	text_add_string(&t, "(s0) {\nlog\n}\n");
	for (int i = 1; i < 40; i++)
		text_printf(&t, "(s%d) {\nimport s%d\nimport s%d\n}\n", i, i - 1, i - 1);
	text_add_string(&t, ". {\nimport s39\n}\n");
	struct parsed p;
	parsed_begin(&p);
	assert_null(corefile_parse(p.arena, text_view(&t), "Corefile", "53", &p.complaints));
	assert_non_null(strstr(p.complaints.first->text, "maximum snippet import depth"));
	parsed_end(&p);
	text_free(&t);
}

static void imports_are_checked(void **state)
{
	(void)state;
	expect_error(". {\nimport a b\n}\n", "Corefile:2 - Error during parsing: Import takes only "
					     "one argument (glob pattern or file)");
	expect_error(". {\nimport {$TEST_NONE}\n}\n",
		"Corefile:2 - Error during parsing: Import requires a non-empty filepath");
	expect_error("(snippet) {\n}\n. {\nimport snipet\n}\n",
		"Corefile:4 - Error during parsing: File to import not found: snipet (did you mean "
		"the "
		"snippet 'snippet'?)");
}

static void a_corefile_has_an_end(void **state)
{
	(void)state;
	struct text t = { 0 };
	text_add_string(&t, "(words) {\nlog");
	for (int i = 0; i < 100000; i++)
		text_add_string(&t, " x");
	text_add_string(&t, "\n}\n. {\n");
	for (int i = 0; i < 60; i++)
		text_add_string(&t, "import words\n");
	struct parsed p;
	parsed_begin(&p);
	assert_null(corefile_parse(p.arena, text_view(&t), "Corefile", "53", &p.complaints));
	assert_string_equal(
		p.complaints.first->text, "Corefile:2 - Error during parsing: the Corefile with "
					  "its imports has more than 5000000 words");
	parsed_end(&p);
	text_free(&t);
}

/* --- keys --- */

static void keys_have_scheme_zone_and_port(void **state)
{
	(void)state;
	expect("Example.ORG tls://a quic://b grpc://c https3://d https://e dns://f unix://g {\n}\n",
		"dns://example.org.:53 tls://a.:853 quic://b.:853 grpc://c.:443 https3://d.:443 "
		"https://e.:443 dns://f.:53 unix://g.: {}");
	expect("a:0053 b:+7 c:-1 d:x e:99999 {\n}\n",
		"dns://a.:53 dns://b.:7 dns://c.:-1 dns://d:x.:53 dns://e.:99999 {}");
	expect("foo://example.org TLS://x 10.0.0.1 ::1 {\n}\n",
		"dns://foo://example.org.:53 dns://tls://x.:53 dns://10.0.0.1.:53 dns://:.:1 {}");
	expect_error("a: {\n}\n",
		"error inspecting server blocks: expecting data after last colon: \"a:\"");
	expect_error("tls:// {\n}\n",
		"error inspecting server blocks: expecting data after last colon: \"\"");
	expect_error("a..b {\n}\n",
		"error inspecting server blocks: zone is not a valid domain name: a..b");
	expect_error(
		":53 {\n}\n", "error inspecting server blocks: zone is not a valid domain name: ");
}

static void long_keys_are_refused(void **state)
{
	(void)state;
	char text[400], error[400];
	memset(text, 'a', 300);
	memcpy(text + 300, " {\n}\n", 6);
	expect_error(text, "error inspecting server blocks: specified zone is too long: 300 > 255");
	memset(text, 'a', 64);
	memcpy(text + 64, " {\n}\n", 6);
	snprintf(error, sizeof error,
		"error inspecting server blocks: zone is not a valid domain name: %.64s", text);
	expect_error(text, error);
}

static void cidrs_become_reverse_zones(void **state)
{
	(void)state;
	expect("10.0.0.0/24 {\n}\n", "dns://0.0.10.in-addr.arpa.:53 {}");
	expect("10.0.0.0/15:5 b. {\n}\n",
		"dns://0.10.in-addr.arpa.:5 dns://1.10.in-addr.arpa.:5 dns://b.:53 {}");
	expect("192.168.1.1/23 {\n}\n",
		"dns://0.168.192.in-addr.arpa.:53 dns://1.168.192.in-addr.arpa.:53 {}");
	expect("2001:db8::/31 {\n}\n",
		"dns://8.b.d.0.1.0.0.2.ip6.arpa.:53 dns://9.b.d.0.1.0.0.2.ip6.arpa.:53 {}");
	expect("tls://2001:DB8::/32:5353 {\n}\n", "tls://8.b.d.0.1.0.0.2.ip6.arpa.:5353 {}");
	expect("0.0.0.0/0 10.1.2.3/32 {\n}\n",
		"dns://in-addr.arpa.:53 dns://3.2.1.10.in-addr.arpa.:53 {}");
	expect("10.0.0.0/33 10.0.0/8 {\n}\n", "dns://10.0.0.0/33.:53 dns://10.0.0/8.:53 {}");
	expect_error("::/0 {\n}\n", "error inspecting server blocks: invalid CIDR ::/0");
	expect_error("0:1::/16 {\n}\n", "error inspecting server blocks: invalid CIDR 0:1::/16");
}

static void a_cidr_between_boundaries_is_every_network_in_it(void **state)
{
	(void)state;
	struct arena *a = arena_new(4096);
	struct name *zones;
	assert_int_equal(corefile_zones(a, VIEW("10.0.0.128/25"), &zones), 128);
	assert_string_equal(name_text(a, zones[0]), "128.0.0.10.in-addr.arpa.");
	assert_string_equal(name_text(a, zones[127]), "255.0.0.10.in-addr.arpa.");
	assert_int_equal(corefile_zones(a, VIEW("10.0.0.0/17"), &zones), 128);
	assert_string_equal(name_text(a, zones[127]), "127.0.10.in-addr.arpa.");
	assert_int_equal(corefile_zones(a, VIEW("128.0.0.0/1"), &zones), 128);
	assert_string_equal(name_text(a, zones[127]), "255.in-addr.arpa.");
	assert_int_equal(corefile_zones(a, VIEW("fe00::/9"), &zones), 8);
	assert_string_equal(name_text(a, zones[0]), "0.e.f.ip6.arpa.");
	assert_string_equal(name_text(a, zones[7]), "7.e.f.ip6.arpa.");
	assert_int_equal(corefile_zones(a, VIEW("a..b"), &zones), 0);
	arena_free(a);
}

/* --- files --- */

static char folder[] = "/tmp/isthmus-test-XXXXXX";

/* Writes a file into the test's folder; folders in `name` are made. */
static void put(const char *name, const char *content)
{
	char path[256];
	snprintf(path, sizeof path, "%s/%s", folder, name);
	for (char *slash = strchr(path + sizeof folder, '/'); slash;
		slash = strchr(slash + 1, '/')) {
		*slash = 0;
		mkdir(path, 0755);
		*slash = '/';
	}
	FILE *f = fopen(path, "w");
	assert_non_null(f);
	fputs(content, f);
	fclose(f);
}

/* Every "@" of the text is the folder. */
static const char *with_folder(struct arena *a, const char *text)
{
	struct text t = { 0 };
	text_add_string(&t, "");
	for (; *text; text++) {
		if (*text == '@')
			text_add_string(&t, folder);
		else
			text_add_char(&t, *text);
	}
	const char *kept = arena_string(a, text_view(&t));
	text_free(&t);
	return kept;
}

/* Loads the folder's Corefile, which is written first unless NULL. */
static void expect_loaded(const char *corefile, const char *shown)
{
	struct parsed p;
	parsed_begin(&p);
	if (corefile)
		put("Corefile", with_folder(p.arena, corefile));
	struct corefile_source source = { .path = with_folder(p.arena, "@/Corefile") };
	p.corefile = corefile_load(p.arena, &source, &p.complaints);
	show(&p);
	assert_string_equal(p.shown.at, with_folder(p.arena, shown));
	parsed_end(&p);
}

static void files_are_imported(void **state)
{
	(void)state;
	put("one", "one. {\nlog\n}\n");
	put("in/two", "import three\n");
	put("in/three", "# only a comment\nthree. {\nerrors\n}\n");
	put("common", "errors\nlog a");
	expect_loaded("import one\nimport in/two\nimport @/one\n. {\nimport common\nwhoami\n}\n",
		"dns://one.:53 {log;} dns://three.:53 {errors;} dns://one.:53 {log;} "
		"dns://.:53 {errors;log a;whoami;}");
	put("hosts", "192.0.2.1 a\n192.0.2.2 b");
	expect_loaded(". {\nhosts {\nimport hosts\nfallthrough\n}\n}\n",
		"dns://.:53 {hosts { / 192.0.2.1 a / 192.0.2.2 b / fallthrough / };}");
}

static void snippets_come_with_files(void **state)
{
	(void)state;
	put("snippets", "(a) {\nimport beside\n}\n");
	put("in/snippets", "(b) {\nimport beside\n}\n");
	put("beside", "log above\n");
	put("in/beside", "log below\n");
	expect_loaded("import snippets\nimport in/snippets\n. {\nimport a\nimport b\n}\n",
		"dns://.:53 {log above;log below;}");
	/* A snippet wins over a file. */
	expect_loaded("(common) {\nwhoami\n}\n. {\nimport common\n}\n", "dns://.:53 {whoami;}");
}

static void globs_are_sorted(void **state)
{
	(void)state;
	put("conf.d/b.conf", "b. {\n}\n");
	put("conf.d/a.conf", "a. {\n}\n");
	put("conf.d/.hidden.conf", "h. {\n}\n");
	put("conf.d/a.other", "x. {\n}\n");
	put("sub/1/file", "s1. {\n}\n");
	put("sub/2/file", "s2. {\n}\n");
	put("sub/3/other", "s3. {\n}\n");
	expect_loaded("import conf.d/*.conf\n", "dns://h.:53 {} dns://a.:53 {} dns://b.:53 {}");
	expect_loaded("import conf.d/?.c*f\n", "dns://a.:53 {} dns://b.:53 {}");
	expect_loaded("import sub/*/file\n", "dns://s1.:53 {} dns://s2.:53 {}");
	expect_loaded("import ./sub/../conf.d/a.c?nf\n", "dns://a.:53 {}");
	expect_loaded(". {\nimport none/*.conf\n}\n",
		"warning: No files matching import glob pattern: none/*.conf\ndns://.:53 {}");
	/* A class is no wildcard of ours, and a name with brackets is a name. */
	put("odd[1]/conf", "odd. {\n}\n");
	expect_loaded("import odd[1]/conf\n", "dns://odd.:53 {}");
	put("odd[1]/Corefile", "import con?\n");
	expect_loaded("import odd[1]/Corefile\n", "dns://odd.:53 {}");
}

static void broken_imports_say_why(void **state)
{
	(void)state;
	const char *prefix = "@/Corefile:1 - Error during parsing: ";
	struct {
		const char *corefile, *error;
	} cases[] = {
		{ "import none\n", "File to import not found: none" },
		{ "import conf.d\n", "Could not import @/conf.d: is a directory" },
		{ "import a*b*\n",
			"Glob pattern may only contain one wildcard (*), but has others: @/a*b*" },
		{ "import a?b?\n",
			"Glob pattern may only contain one wildcard (*), but has others: @/a?b?" },
		{ "import [ab]\n",
			"Glob pattern may only contain one wildcard (*), but has others: @/[ab]" },
		{ "import a[b\n", "Failed to use import pattern a[b: syntax error in pattern" },
	};
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
		char error[400];
		snprintf(error, sizeof error, "%s%s", prefix, cases[i].error);
		expect_loaded(cases[i].corefile, error);
	}
}

static void errors_in_imported_files_name_them(void **state)
{
	(void)state;
	put("broken", "log\nlgo\n");
	expect_loaded(". {\nimport broken\nwhoamj\n}\n",
		"@/broken:2 - Error during parsing: Unknown directive 'lgo' (did you mean 'log'?)\n"
		"@/Corefile:3 - Error during parsing: Unknown directive 'whoamj' (did you mean "
		"'whoami'?)");
}

/* So that `reload` knows whether it has seen them before. */
static void corefiles_with_wrong_names_have_fingerprints(void **state)
{
	(void)state;
	struct parsed p;
	parsed_begin(&p);
	put("Corefile", ". {\nlgo\n}\na..b {\nlog\n}\n");
	struct corefile_source source = { .path = with_folder(p.arena, "@/Corefile") };
	p.corefile = corefile_load(p.arena, &source, &p.complaints);
	assert_int_equal(p.complaints.errors, 2);
	assert_non_null(p.corefile);
	assert_int_equal(p.corefile->misnamed, 2);
	put("Corefile", ". {\nlog {\n");
	assert_null(corefile_load(p.arena, &source, &p.complaints));
	put("Corefile", "{\nlgo\n}\n");
	p.corefile = corefile_load(p.arena, &source, &p.complaints);
	assert_int_equal(p.corefile->misnamed, 1);
	assert_false(p.corefile->builtin);
	parsed_end(&p);
}

static void files_that_import_themselves_are_found(void **state)
{
	(void)state;
	put("self", "import self\n");
	put("ping", "import pong\n");
	put("pong", "import ping\n");
	expect_loaded("import self\n", "@/self:1 - Error during parsing: maximum file import depth "
				       "(1000000) exceeded: @/self imports itself");
	expect_loaded("import ping\n", "@/pong:1 - Error during parsing: maximum file import depth "
				       "(1000000) exceeded: @/ping imports itself");
	expect_loaded("import Corefil?\n",
		"@/Corefile:1 - Error during parsing: maximum file import "
		"depth (1000000) exceeded: @/Corefile imports itself");
}

static void a_missing_corefile_is_an_error_only_if_named(void **state)
{
	(void)state;
	char path[64];
	snprintf(path, sizeof path, "%s/Corefile", folder);
	unlink(path);
	expect_loaded(
		NULL, "loading Caddyfile via flag: open @/Corefile: no such file or directory");
	assert_int_equal(chdir(folder), 0);
	struct parsed p;
	parsed_begin(&p);
	struct corefile_source source = { .dns_port = "1053" };
	p.corefile = corefile_load(p.arena, &source, &p.complaints);
	show(&p);
	assert_string_equal(p.shown.at, "dns://.:1053 {whoami;log;}");
	assert_true(p.corefile->builtin);
	assert_string_equal(p.corefile->path, "Corefile");
	parsed_end(&p);
}

static int make_folder(void **state)
{
	(void)state;
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state)
{
	(void)state;
	char command[64];
	snprintf(command, sizeof command, "rm -r %s", folder);
	return system(command);
}

/* --- the fingerprint --- */

static void the_fingerprint_follows_words_and_lines(void **state)
{
	(void)state;
	struct parsed p;
	parsed_begin(&p);
	const char *texts[] = { ". {\nlog\n}\n", ". { \nlog # x\n}", ". {\n\nlog\n}\n",
		"a. {\nlog\n}\n" };
	struct corefile *c[4];
	for (int i = 0; i < 4; i++)
		c[i] = corefile_parse(p.arena, view_of(texts[i]), "Corefile", "53", &p.complaints);
	assert_memory_equal(c[0]->fingerprint, c[1]->fingerprint, 64);
	assert_memory_not_equal(c[0]->fingerprint, c[2]->fingerprint, 64);
	assert_memory_not_equal(c[0]->fingerprint, c[3]->fingerprint, 64);
	parsed_end(&p);
}

static int set_up(void **state)
{
	if (make_folder(state) != 0)
		return -1;
	hash_init();
	registry_set(names, sizeof names / sizeof names[0]);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(words_end_at_any_white_space),
		cmocka_unit_test(a_byte_order_mark_is_dropped),
		cmocka_unit_test(invalid_utf8_is_replaced),
		cmocka_unit_test(carriage_returns_are_dropped_outside_quotes),
		cmocka_unit_test(quotes_only_stand_in_front),
		cmocka_unit_test(quotes_span_lines),
		cmocka_unit_test(only_a_quote_is_escaped),
		cmocka_unit_test(an_open_quote_takes_the_rest),
		cmocka_unit_test(comments_hide_the_rest_of_the_line),
		cmocka_unit_test(nothing_else_is_special),
		cmocka_unit_test(the_environment_is_put_in),
		cmocka_unit_test(a_variable_that_names_itself_is_an_error),
		cmocka_unit_test(blocks_take_many_forms),
		cmocka_unit_test(directives_end_with_their_line_or_their_brace),
		cmocka_unit_test(a_block_without_keys_is_thrown_away),
		cmocka_unit_test(no_block_is_the_built_in_corefile),
		cmocka_unit_test(what_is_surely_unmeant_is_a_warning),
		cmocka_unit_test(broken_blocks_say_where),
		cmocka_unit_test(all_errors_are_found_at_once),
		cmocka_unit_test(snippets_stand_in_for_their_words),
		cmocka_unit_test(a_snippet_twice_is_two_directives),
		cmocka_unit_test(an_import_may_stand_behind_a_block),
		cmocka_unit_test(broken_snippets_say_where),
		cmocka_unit_test(what_multiplies_has_an_end),
		cmocka_unit_test(a_corefile_has_an_end),
		cmocka_unit_test(imports_are_checked),
		cmocka_unit_test(keys_have_scheme_zone_and_port),
		cmocka_unit_test(long_keys_are_refused),
		cmocka_unit_test(cidrs_become_reverse_zones),
		cmocka_unit_test(a_cidr_between_boundaries_is_every_network_in_it),
		cmocka_unit_test(files_are_imported),
		cmocka_unit_test(snippets_come_with_files),
		cmocka_unit_test(globs_are_sorted),
		cmocka_unit_test(broken_imports_say_why),
		cmocka_unit_test(errors_in_imported_files_name_them),
		cmocka_unit_test(corefiles_with_wrong_names_have_fingerprints),
		cmocka_unit_test(files_that_import_themselves_are_found),
		cmocka_unit_test(a_missing_corefile_is_an_error_only_if_named),
		cmocka_unit_test(the_fingerprint_follows_words_and_lines),
	};
	return cmocka_run_group_tests(tests, set_up, remove_folder);
}
