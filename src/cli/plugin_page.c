/* Pages about plugins. */
#include "cli/plugin_page.h"

static const char *const kinds[] = {
	[METRIC_COUNTER] = "counter",
	[METRIC_GAUGE] = "gauge",
	[METRIC_HISTOGRAM] = "histogram",
};

static bool has_options(const struct plugin_type *type)
{
	return type->options && type->options->name;
}

static void add_call(struct text *to, const char *name, const char *arguments)
{
	text_add_string(to, name);
	if (arguments)
		text_printf(to, " %s", arguments);
}

/* One that is there only to word an error has nothing to explain. */
static bool is_documented(const struct option *o)
{
	return strcmp(o->name, "*") != 0 || o->help;
}

/* "NAME ARGUMENTS {" and the options, as a Corefile has them. */
static void add_syntax(struct text *to, const struct plugin_entry *entry, const char *indent)
{
	const struct plugin_type *type = entry->type;
	text_add_string(to, indent);
	add_call(to, entry->name, type->arguments);
	if (!has_options(type)) {
		text_add_char(to, '\n');
		return;
	}
	text_add_string(to, " {\n");
	for (const struct option *o = type->options; o->name; o++) {
		if (!is_documented(o))
			continue;
		text_printf(to, "%s    ", indent);
		if (strcmp(o->name, "*") != 0)
			add_call(to, o->name, o->arguments);
		else
			text_add_string(to, o->arguments ? o->arguments : "...");
		text_add_char(to, '\n');
	}
	text_printf(to, "%s}\n", indent);
}

/* What an option is called where it is explained: the word, or what stands there. */
static const char *option_label(const struct option *o)
{
	return strcmp(o->name, "*") != 0 ? o->name : o->arguments ? o->arguments : "...";
}

static void add_capitalised(struct text *to, const char *sentence)
{
	char first =
		sentence[0] >= 'a' && sentence[0] <= 'z' ? (char)(sentence[0] - 32) : sentence[0];
	if (!first)
		return;
	text_add_char(to, first);
	text_add_string(to, sentence + 1);
	if (!view_ends(view_of(sentence), VIEW(".")))
		text_add_char(to, '.');
}

static void add_labels(struct text *to, const struct metric_family *m)
{
	for (size_t i = 0; m->labels[i]; i++)
		text_printf(to, "%s%s", i ? ", " : "{", m->labels[i]);
	if (m->labels[0])
		text_add_char(to, '}');
}

/* --- for the terminal --- */

void plugin_page_text(struct text *to, const struct plugin_entry *entry)
{
	const struct plugin_type *type = entry->type;
	text_printf(to, "%s - %s\n\n", entry->name, type->help);
	add_syntax(to, entry, "    ");
	if (type->about)
		text_printf(to, "\n%s\n", type->about);
	if (has_options(type))
		text_add_string(to, "\nOptions:\n");
	for (const struct option *o = type->options; o && o->name; o++) {
		if (!is_documented(o))
			continue;
		text_printf(to, "  %-20s  %s", option_label(o), o->help ? o->help : "");
		if (o->fallback)
			text_printf(to, " (default %s)", o->fallback);
		text_add_char(to, '\n');
	}
	if (type->metrics && type->metrics[0])
		text_add_string(to, "\nMetrics:\n");
	for (size_t i = 0; type->metrics && type->metrics[i]; i++) {
		text_printf(to, "  %s", type->metrics[i]->name);
		add_labels(to, type->metrics[i]);
		text_printf(to, "  %s\n", type->metrics[i]->help);
	}
}

void plugin_index_text(struct text *to)
{
	for (size_t i = 0; i < registry_count(); i++) {
		const struct plugin_entry *e = registry_at(i);
		text_printf(
			to, "%-14s %s\n", e->name, e->type ? e->type->help : "(not in this build)");
	}
}

/* --- Markdown --- */

/* In a table's cell: '|' would end it. */
static void add_cell(struct text *to, const char *s)
{
	for (; s && *s; s++) {
		if (*s == '|')
			text_add_char(to, '\\');
		text_add_char(to, *s);
	}
}

static void add_code_cell(struct text *to, const char *s)
{
	if (!s)
		return;
	text_add_char(to, '`');
	add_cell(to, s);
	text_add_char(to, '`');
}

static void add_option_row(struct text *to, const struct option *o)
{
	bool any_word = strcmp(o->name, "*") == 0;
	text_add_string(to, "| ");
	if (!any_word)
		add_code_cell(to, o->name);
	text_add_string(to, " | ");
	add_code_cell(to, o->arguments);
	text_add_string(to, " | ");
	add_code_cell(to, o->fallback);
	text_add_string(to, " | ");
	add_cell(to, o->help);
	text_add_string(to, " |\n");
}

static void add_options(struct text *to, const struct plugin_type *type)
{
	if (!has_options(type))
		return;
	text_add_string(to, "\n## Options\n\n| Option | Arguments | Default | Meaning |\n| --- | "
			    "--- | --- | --- |\n");
	for (const struct option *o = type->options; o->name; o++) {
		if (is_documented(o))
			add_option_row(to, o);
	}
}

static void add_metrics(struct text *to, const struct plugin_type *type)
{
	if (!type->metrics || !type->metrics[0])
		return;
	text_add_string(to, "\n## Metrics\n\n");
	for (size_t i = 0; type->metrics[i]; i++) {
		const struct metric_family *m = type->metrics[i];
		text_printf(to, "* `%s", m->name);
		add_labels(to, m);
		text_printf(to, "` (%s): %s\n", kinds[m->kind], m->help);
	}
}

void plugin_page_markdown(struct text *to, const struct plugin_entry *entry)
{
	const struct plugin_type *type = entry->type;
	text_printf(to, "# %s\n\n", entry->name);
	add_capitalised(to, type->help);
	text_add_string(to, "\n\n## Syntax\n\n```\n");
	add_syntax(to, entry, "");
	text_add_string(to, "```\n");
	if (type->once)
		text_add_string(to, "\nOnce in a server block.\n");
	else if (type->each_line)
		text_add_string(
			to, "\nMay stand in a server block several times, each on its own.\n");
	add_options(to, type);
	if (type->about)
		text_printf(to, "\n## Description\n\n%s\n", type->about);
	add_metrics(to, type);
}

void plugin_index_markdown(struct text *to)
{
	text_add_string(to,
		"# Plugins\n\nIn the order in which they are set up and in which a query meets "
		"them, outermost first.\n\n| Directive | |\n| --- | --- |\n");
	for (size_t i = 0; i < registry_count(); i++) {
		const struct plugin_entry *e = registry_at(i);
		if (!e->type)
			continue;
		text_printf(to, "| [%s](%s.md) | ", e->name, e->name);
		add_cell(to, e->type->help);
		text_add_string(to, " |\n");
	}
}
