/* Templates: what they write, what they refuse and how they say so, and their limits. */
#include "test.h"

#include "base/clock.h"
#include "plugins/template/gotemplate.h"

static struct arena *arena;
static struct value data;

/* What the plugin gives to templates, as a map. */
static int set_up(void **state)
{
	(void)state;
	arena = arena_new(65536);
	static struct value match[3], groups[6], root[16];
	match[0] = value_text(VIEW("web-12.example.org."));
	match[1] = value_text(VIEW("web"));
	match[2] = value_text(VIEW("12"));
	groups[0] = value_text(VIEW("host"));
	groups[1] = match[1];
	groups[2] = value_text(VIEW("1"));
	groups[3] = match[1];
	groups[4] = value_text(VIEW("2"));
	groups[5] = match[2];
	root[0] = value_text(VIEW("Name"));
	root[1] = match[0];
	root[2] = value_text(VIEW("Match"));
	root[3] = value_array(match, 3);
	root[4] = value_text(VIEW("Group"));
	root[5] = value_map(groups, 3);
	root[6] = value_text(VIEW("N"));
	root[7] = value_int(7);
	root[8] = value_text(VIEW("Empty"));
	root[9] = value_text(VIEW(""));
	root[10] = value_text(VIEW("F"));
	root[11] = value_float(1.5);
	data = value_map(root, 6);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	arena_free(arena);
	return 0;
}

static struct gotemplate *compiled(struct view text)
{
	const char *why = NULL;
	struct gotemplate *t = gotemplate_compile(arena, "answer", text, &why);
	if (!t)
		fail_msg("%.*s: %s", VIEW_ARGS(text), why);
	return t;
}

static bool run(struct view text, struct arena_text *to, const char **why)
{
	*to = (struct arena_text){ .arena = arena, .limit = GOTEMPLATE_TEXT_MAX };
	return gotemplate_run(compiled(text), arena, data, to, why);
}

static void assert_writes(const char *text, const char *expected)
{
	struct arena_text to;
	const char *why = NULL;
	if (!run(view_of(text), &to, &why))
		fail_msg("%s: %s", text, why);
	if (!view_is(arena_text_view(&to), expected))
		fail_msg("%s writes %.*s, not %s", text, VIEW_ARGS(arena_text_view(&to)), expected);
}

static void assert_fails(const char *text, const char *expected)
{
	struct arena_text to;
	const char *why = NULL;
	if (run(view_of(text), &to, &why))
		fail_msg("%s writes %.*s", text, VIEW_ARGS(arena_text_view(&to)));
	if (strcmp(why, expected) != 0)
		fail_msg("%s: %s, not %s", text, why, expected);
}

static void assert_refused(const char *text, const char *expected)
{
	const char *why = NULL;
	if (gotemplate_compile(arena, "answer", view_of(text), &why))
		fail_msg("%s compiles", text);
	if (strcmp(why, expected) != 0)
		fail_msg("%s: %s, not %s", text, why, expected);
}

static void text_and_fields(void **state)
{
	(void)state;
	assert_writes("", "");
	assert_writes("plain { } }} text", "plain { } }} text");
	assert_writes("{{ .Name }} 60 IN A 192.0.2.1", "web-12.example.org. 60 IN A 192.0.2.1");
	assert_writes("{{.Group.host}}-{{ .N }}", "web-7");
	assert_writes("{{ .Group.none }}|{{ .Group.none.more }}", "<no value>|<no value>");
	assert_writes("{{ . | len }}", "6");
	assert_writes("{{ .Match }}", "[web-12.example.org. web 12]");
	assert_writes("{{ .Group }}", "map[1:web 2:12 host:web]");
	assert_writes("{{ .F }}", "1.5");
	assert_writes("{{ (.Group).host }} {{ $.N }}", "web 7");
}

static void literals(void **state)
{
	(void)state;
	assert_writes("{{ 1 }} {{ 0x10 }} {{ -2 }} {{ 1.5 }} {{ 1e3 }} {{ true }}", "1 16 -2 1.5 1000 true");
	assert_writes("{{ \"a\\tb\\\"\\x41\" }}", "a\tb\"A");
	assert_writes("{{ `a\\b` }}", "a\\b");
	assert_writes("{{ 'a' }} {{ '\\n' }}", "97 10");
}

static void white_space_and_comments(void **state)
{
	(void)state;
	assert_writes("a {{- .N -}} b", "a7b");
	assert_writes("a {{-  .N  -}}\n\t b", "a7b");
	assert_writes("a {{ -3 }} b", "a -3 b");
	assert_writes("a{{/* nothing */}}b {{- /* more */ -}} c", "abc");
	assert_writes("{{- \" trim \" -}}", " trim ");
	assert_writes("{{\n.N\n}}", "7");
	assert_writes("a {{- if true -}} b {{- end -}} c", "abc");
}

static void conditions(void **state)
{
	(void)state;
	assert_writes("{{ if .Empty }}a{{ else }}b{{ end }}", "b");
	assert_writes("{{ if .N }}a{{ end }}", "a");
	assert_writes("{{ if .None }}a{{ else if .Empty }}b{{ else if .N }}c{{ else }}d{{ end }}", "c");
	assert_writes("{{ if and .N .Empty }}a{{ else }}b{{ end }}", "b");
	assert_writes("{{ if index .Group \"2\" }}{{ index .Group \"2\" }}{{ else }}1{{ end }}", "12");
	assert_writes("{{ if index .Group \"3\" }}x{{ else }}1{{ end }}", "1");
	assert_writes("{{ if .F }}a{{ if .Empty }}b{{ else }}c{{ end }}{{ end }}", "ac");
}

static void with_and_range(void **state)
{
	(void)state;
	assert_writes("{{ with .Group }}{{ .host }}{{ $.N }}{{ end }}", "web7");
	assert_writes("{{ with .Empty }}a{{ else }}b{{ .N }}{{ end }}", "b7");
	assert_writes("{{ with $x := .N }}{{ $x }}{{ . }}{{ end }}", "77");
	assert_writes("{{ range .Match }}[{{ . }}]{{ end }}", "[web-12.example.org.][web][12]");
	assert_writes("{{ range $i, $e := .Match }}{{ $i }}={{ $e }};{{ end }}",
		"0=web-12.example.org.;1=web;2=12;");
	assert_writes("{{ range $e := .Match }}{{ len $e }},{{ end }}", "19,3,2,");
	assert_writes("{{ range $k, $v := .Group }}{{ $k }}={{ $v }} {{ end }}", "1=web 2=12 host=web ");
	assert_writes("{{ range .None }}a{{ else }}none{{ end }}", "none");
	assert_writes("{{ range slice .Match 1 1 }}a{{ else }}none{{ end }}", "none");
	assert_writes("{{ range .Match }}{{ range $.Group }}{{ . }}{{ end }}{{ with $.N }}{{ . }}{{ end }}{{ end }}",
		"web12web7web12web7web12web7");
	assert_writes("{{ range $m := .Match }}{{ if eq $m \"web\" }}{{ . }}{{ end }}{{ end }}{{ .N }}", "web7");
}

static void variables(void **state)
{
	(void)state;
	assert_writes("{{ $x := 1 }}{{ $x }}{{ $x = 2 }}{{ $x }}", "12");
	assert_writes("{{ $x := 1 }}{{ if true }}{{ $x := 2 }}{{ $x }}{{ end }}{{ $x }}", "21");
	assert_writes("{{ $x := 1 }}{{ if true }}{{ $x = 2 }}{{ end }}{{ $x }}", "2");
	assert_writes("{{ $g := .Group }}{{ $g.host }}", "web");
	assert_writes("{{ $i := 5 }}{{ range $i, $e := .Match }}{{ end }}{{ $i }}", "5");
	assert_writes("{{ $m := .Match }}{{ range $m := $m }}.{{ end }}", "...");
}

static void pipelines(void **state)
{
	(void)state;
	assert_writes("{{ .Match | len }}", "3");
	assert_writes("{{ 1 | index .Match }}", "web");
	assert_writes("{{ .N | printf \"%03d\" | len }}", "3");
	assert_writes("{{ (len (index .Match 1)) | printf \"%d-%d\" 5 }}", "5-3");
	assert_writes("{{ \"x\" | eq \"x\" }}", "true");
	assert_writes("{{ true | and 1 }}{{ 5 | or 0 }}", "true5");
}

static void functions(void **state)
{
	(void)state;
	assert_writes("{{ and 1 2 }}{{ or 0 3 }}{{ not true }}{{ lt 1 2 }}{{ ge 1 2 }}", "23falsetruefalse");
	assert_writes("{{ and 0 (index .Match 99) }}{{ or 1 (index .Match 99) }}", "01");
	assert_writes("{{ eq 1 2 3 1 }}{{ ne \"a\" \"b\" }}{{ le 2 2 }}{{ gt 1.5 1.0 }}", "truetruetruetrue");
	assert_writes("{{ len .Name }}{{ index .Match 2 }}{{ index .Group \"host\" }}", "1912web");
	assert_writes("{{ slice .Name 0 3 }}{{ slice .Name 4 6 }}{{ len (slice .Match 1) }}", "web122");
	assert_writes("{{ eq (slice .Name 0 3) \"web\" }}", "true");
	assert_writes("{{ print 1 2 \"a\" \"b\" 3 }}|{{ println 1 \"a\" }}", "1 2ab3|1 a\n");
	assert_writes("{{ parseInt \"ff\" 16 32 }} {{ parseInt \"0x1f\" 0 8 }}", "255 31");
	assert_writes("{{ parseInt \"18446744073709551615\" 10 64 }}", "18446744073709551615");
	assert_writes("{{ index \"abc\" 1 }}", "98");
}

static void formats(void **state)
{
	(void)state;
	assert_writes("{{ printf \"%05d|%-5d|%5d|%+d|%x|%X|%#x|%o|%b|%c\" 42 42 42 42 255 255 255 8 5 65 }}",
		"00042|42   |   42|+42|ff|FF|0xff|10|101|A");
	assert_writes("{{ printf \"%s|%8s|%-4s|%.2s|%q|%x\" \"abc\" \"abc\" \"a\" \"abc\" \"a\\\"b\" \"az\" }}",
		"abc|     abc|a   |ab|\"a\\\"b\"|617a");
	assert_writes("{{ printf \"%v %v %v %t %%\" 1 \"a\" .Match true }}",
		"1 a [web-12.example.org. web 12] true %");
	assert_writes("{{ printf \"%.2f %f %e %g %06.1f\" 1.5 1.5 1500.0 0.5 2.25 }}",
		"1.50 1.500000 1.500000e+03 0.5 0002.2");
	assert_writes("{{ printf \"%d %s %d\" \"a\" 1 }}", "%!d(string=a) %!s(int=1) %!d(MISSING)");
	assert_writes("{{ printf \"%d\" 1 2 \"x\" }}", "1%!(EXTRA int=2, string=x)");
	assert_writes("{{ printf \"100%\" }}", "100%!(NOVERB)");
	assert_writes("{{ printf \"%05d\" -42 }}", "-0042");
	assert_writes("{{ printf \"%05s|%-05s|%05s\" \"ab\" \"ab\" \"-b\" }}", "000ab|ab   |000-b");
}

static void failures_name_the_place(void **state)
{
	(void)state;
	assert_fails("{{ .Name }} 60 IN A 192.0.2.{{ index .Match 7 }}",
		"template: answer:1:31: executing \"answer\" at <index .Match 7>: error calling index: index out of "
		"range: 7");
	assert_fails("{{ .Name.More }}",
		"template: answer:1:8: executing \"answer\" at <.Name.More>: can't evaluate field More in type string");
	assert_fails("a\n{{ parseInt \"gg\"   16 32 }}",
		"template: answer:2:3: executing \"answer\" at <parseInt \"gg\" 16 32>: error calling parseInt: "
		"strconv.ParseUint: parsing \"gg\": invalid syntax");
	assert_fails("{{ parseInt \"300\" 10 8 }}",
		"template: answer:1:3: executing \"answer\" at <parseInt \"300\" 10 8>: error calling parseInt: "
		"strconv.ParseUint: parsing \"300\": value out of range");
	assert_fails("{{ eq 1 \"a\" }}",
		"template: answer:1:3: executing \"answer\" at <eq 1 \"a\">: error calling eq: incompatible types for "
		"comparison: int and string");
	assert_fails("{{ len 1 }}",
		"template: answer:1:3: executing \"answer\" at <len 1>: error calling len: len of type int");
	assert_fails("{{ not }}",
		"template: answer:1:3: executing \"answer\" at <not>: wrong number of args for not: want 1 got 0");
	assert_fails("{{ .N 1 }}",
		"template: answer:1:3: executing \"answer\" at <.N 1>: N is not a method but has arguments");
	assert_fails("{{ range \"ab\" }}{{ end }}",
		"template: answer:1:9: executing \"answer\" at <\"ab\">: range can't iterate over ab");
	assert_fails("{{ $.N | .Match }}",
		"template: answer:1:9: executing \"answer\" at <.Match>: Match is not a method but has arguments");
	assert_fails("{{ slice .Name 3 1 }}",
		"template: answer:1:3: executing \"answer\" at <slice .Name 3 1>: error calling slice: invalid slice "
		"index: 3 > 1");
}

static void ranges_are_left(void **state)
{
	(void)state;
	assert_writes("{{ range 3 }}{{ . }}{{ end }}{{ range $i := 2 }}{{ $i }}{{ end }}", "01201");
	assert_writes("{{ range -1 }}x{{ else }}none{{ end }}", "none");
	assert_writes("{{ range 9 }}{{ if eq . 3 }}{{ break }}{{ end }}{{ . }}{{ else }}none{{ end }}|{{ .N }}",
		"012|7");
	assert_writes("{{ range 4 }}{{ with . }}{{ if eq . 2 }}{{ continue }}{{ end }}{{ . }}{{ end }},{{ end }}{{ .N }}",
		",1,3,7");
	assert_writes("{{ range 2 }}{{ with 5 }}{{ range 3 }}{{ with . }}{{ break }}{{ end }}{{ . }}{{ end }}{{ . }}"
		      "{{ end }}{{ . }};{{ end }}",
		"050;051;");
	assert_writes("{{ with .Group.none }}a{{ else with .N }}{{ . }}{{ else }}c{{ end }}", "7");
	assert_writes("{{ with .Group.none }}a{{ else with .Group.none }}b{{ else }}c{{ end }}", "c");
}

static void templates_call_each_other(void **state)
{
	(void)state;
	assert_writes("{{ define \"a\" }}[{{ . }}{{ $ }}]{{ end }}{{ template \"a\" 5 }}{{ template \"a\" \"x\" }}{{ .N }}",
		"[55][xx]7");
	assert_writes("{{ template \"a\" }}{{ define \"a\" }}{{ . }}{{ end }}", "<no value>");
	assert_writes("{{ $x := 1 }}{{ template \"a\" 2 }}{{ $x }}{{ define \"a\" }}{{ $x := . }}{{ $x }}{{ end }}", "21");
	assert_writes("{{ range 2 }}{{ block \"b\" . }}<{{ . }}>{{ end }}{{ end }}", "<0><1>");
	assert_writes("{{ define \"a\" }}{{ if gt . 0 }}{{ . }}{{ template \"b\" . }}{{ end }}{{ end }}"
		      "{{ define \"b\" }}{{ range 2 }}{{ . }}{{ end }}{{ end }}{{ template \"a\" 3 }}",
		"301");
	assert_fails("{{ template \"none\" }}",
		"template: answer:1:3: executing \"answer\" at <template \"none\" }}>: template \"none\" not defined");
	assert_fails("{{ define \"l\" }}{{ template \"l\" }}{{ end }}{{ template \"l\" }}",
		"template: answer:1:19: executing \"answer\" at <template \"l\" }}>: exceeded maximum template depth (16)");
	assert_fails("{{ define \"l\" }}{{ with 1 }}{{ with 2 }}{{ template \"l\" }}{{ end }}{{ end }}{{ end }}{{ template \"l\" }}",
		"template: answer:1:0: executing \"answer\" at <>: too deeply nested");
	assert_fails("{{ define \"l\" }}{{ $a := 1 }}{{ end }}{{ range 1000000 }}{{ template \"l\" }}{{ end }}",
		"template: answer:1:0: executing \"answer\" at <>: the template takes too long");
}

static void texts_are_escaped(void **state)
{
	(void)state;
	assert_writes("{{ html \"<a&'b>\" 5 }} {{ \"\\\"\" | html }}", "&lt;a&amp;&#39;b&gt;5 &#34;");
	assert_writes("{{ js \"<\\\\x'>=\\n\" }}", "\\u003C\\\\x\\'\\u003E\\u003D\\u000A");
	assert_writes("{{ urlquery \"a b/~c_\" 1 }}", "a+b%2F~c_1");
	assert_writes("{{ 0b11 }} {{ 0o17 }} {{ 1_000 }} {{ -0x1_0 }} {{ 1_0.5 }}", "3 15 1000 -16 10.5");
	assert_writes("{{ 1e6 }} {{ 100000.0 }} {{ printf \"%g %G\" 1e10 1e10 }}", "1e+06 100000 1e+10 1E+10");
}

static void mistakes_are_found_at_the_start(void **state)
{
	(void)state;
	assert_refused("{{", "template: answer:1: unclosed action");
	assert_refused("{{ .Name", "template: answer:1: unclosed action");
	assert_refused("{{ }}", "template: answer:1: missing value for command");
	assert_refused("{{ if }}a{{ end }}", "template: answer:1: missing value for if");
	assert_refused("a\n{{ foo }}", "template: answer:2: function \"foo\" not defined");
	assert_refused("{{ $x }}", "template: answer:1: undefined variable \"$x\"");
	assert_refused("{{ $x = 1 }}", "template: answer:1: undefined variable \"$x\"");
	assert_refused("{{ if .N }}a", "template: answer:1: unexpected EOF");
	assert_refused("a{{ end }}", "template: answer:1: unexpected {{end}}");
	assert_refused("{{ else }}", "template: answer:1: unexpected {{else}}");
	assert_refused("{{ if .N }}a{{ else }}b{{ else }}c{{ end }}",
		"template: answer:1: expected end; found {{else}}");
	assert_refused("{{ (.N }}", "template: answer:1: unclosed left paren");
	assert_refused("{{ .N) }}", "template: answer:1: unexpected right paren U+0029 ')'");
	assert_refused("{{ \"a }}", "template: answer:1: unterminated quoted string");
	assert_refused("{{ .Group.1 }}", "template: answer:1: unexpected \".1\" in operand");
	assert_refused("{{ .N + 1 }}", "template: answer:1: bad number syntax: \"+\"");
	assert_refused("{{ 1.N }}", "template: answer:1: bad number syntax: \"1.N\"");
	assert_refused("{{ \"a\".N }}", "template: answer:1: unexpected . after term \"\"a\"\"");
	assert_refused("{{ /* a */ }}", "template: answer:1: unexpected \"/\" in operand");
	assert_refused("{{/* a }}", "template: answer:1: unclosed comment");
	assert_refused("{{ define \"x\" }}", "template: answer:1: unexpected EOF");
	assert_refused("{{ define x }}{{ end }}", "template: answer:1: unexpected \"x\" in define clause");
	assert_refused("{{ if true }}{{ define \"x\" }}{{ end }}{{ end }}",
		"template: answer:1: unexpected {{define}}");
	assert_refused("{{ $x := 1 }}{{ define \"x\" }}{{ $x }}{{ end }}",
		"template: answer:1: undefined variable \"$x\"");
	assert_refused("{{ define \"x\" }}{{ end }}{{ define \"x\" }}{{ end }}",
		"template: answer:1: template: multiple definition of template \"x\"");
	assert_refused("{{ break }}", "template: answer:1: {{break}} outside {{range}}");
	assert_refused("{{ range 2 }}{{ block \"b\" . }}{{ continue }}{{ end }}{{ end }}",
		"template: answer:1: {{continue}} outside {{range}}");
	assert_refused("{{ if .N }}{{ else with .N }}{{ end }}", "template: answer:1: unexpected <with> in else");
	assert_refused("{{ .N@ }}", "template: answer:1: bad character U+0040");
}

static void assert_printed(struct view text, const char *expected)
{
	struct view source = gotemplate_source(compiled(text));
	if (!view_is(source, expected))
		fail_msg("%.*s, not %s", VIEW_ARGS(source), expected);
}

static void the_source_is_printed_as_go_does(void **state)
{
	(void)state;
	assert_printed(VIEW("{{   .Name}} 60 {{ if   eq  ( slice .Name 0 3 )  \"hex\"|not }}a{{else}} b{{- end }}"
			    "{{ range $i,$e:=.Match }}{{ end }}"),
		"{{.Name}} 60 {{if eq (slice .Name 0 3) \"hex\" | not}}a{{else}} b{{end}}"
		"{{range $i, $e := .Match}}{{end}}");
	assert_printed(VIEW("a {{- if true -}} b{ {{- end -}} c"), "a{{if true}}b{{{end}}c"); /* which is no template */
}

/* --- limits --- */

static struct view repeated(const char *head, const char *piece, size_t times, const char *tail)
{
	struct arena_text t = { .arena = arena, .limit = SIZE_MAX };
	arena_text_add_string(&t, head);
	for (size_t i = 0; i < times; i++)
		arena_text_add_string(&t, piece);
	arena_text_add_string(&t, tail);
	return arena_text_view(&t);
}

static void assert_too_much(struct view text, const char *expected)
{
	const char *why = NULL;
	assert_null(gotemplate_compile(arena, "answer", text, &why));
	if (strcmp(why, expected) != 0)
		fail_msg("%s, not %s", why, expected);
}

static void nesting_and_size_are_limited(void **state)
{
	(void)state;
	assert_too_much(repeated("", "{{if true}}", 5000, ""), "template: answer:1: too deeply nested");
	assert_too_much(repeated("{{ ", "(", 5000, "1"), "template: answer:1: too deeply nested");
	assert_too_much(repeated("", "{{with .}}", 5000, ""), "template: answer:1: too deeply nested");
	assert_too_much(repeated("", "{{1}}", 13000, ""), "template: answer:1: the template is too large");
	assert_too_much(repeated("", "a", 70000, ""), "template: answer:1: longer than 65535 octets");
	assert_too_much(repeated("{{print", " 1", 100, "}}"), "template: answer:1: more than 32 arguments");
	assert_too_much(repeated("{{ $x := 1 }}", "{{ $x := 1 }}", 100, ""),
		"template: answer:1: more than 64 variables");
}

static void assert_ends(struct view text, const char *expected)
{
	struct arena_text to;
	const char *why = NULL;
	uint64_t began = clock_now();
	assert_false(run(text, &to, &why));
	assert_true(view_ends(view_of(why), view_of(expected)));
	assert_true(arena_size(arena) < 64u << 20);
	assert_true(clock_now() - began < 2 * NS_PER_S);
}

static void runs_are_limited(void **state)
{
	(void)state;
	struct arena_text nested = { .arena = arena, .limit = SIZE_MAX };
	for (int i = 0; i < 14; i++)
		arena_text_add_string(&nested, "{{range $.Group}}");
	struct arena_text endless = nested;
	arena_text_add_string(&nested, "{{.}}");
	for (int i = 0; i < 14; i++)
		arena_text_add_string(&nested, "{{end}}");
	assert_ends(arena_text_view(&nested), "the template takes too long");
	(void)endless;
	assert_ends(repeated("{{ $x := printf \"%1000s\" .Name }}", "{{ $x = printf \"%s%s\" $x $x }}", 20, ""),
		"the text is too long");
	assert_ends(repeated("", "{{ printf \"%1000s\" .Name }}", 100, ""), "the text is too long");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_and_fields),
		cmocka_unit_test(literals),
		cmocka_unit_test(white_space_and_comments),
		cmocka_unit_test(conditions),
		cmocka_unit_test(with_and_range),
		cmocka_unit_test(variables),
		cmocka_unit_test(pipelines),
		cmocka_unit_test(functions),
		cmocka_unit_test(formats),
		cmocka_unit_test(failures_name_the_place),
		cmocka_unit_test(ranges_are_left),
		cmocka_unit_test(templates_call_each_other),
		cmocka_unit_test(texts_are_escaped),
		cmocka_unit_test(mistakes_are_found_at_the_start),
		cmocka_unit_test(the_source_is_printed_as_go_does),
		cmocka_unit_test(nesting_and_size_are_limited),
		cmocka_unit_test(runs_are_limited),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
