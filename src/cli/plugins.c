/* isthmus plugins: what directives there are, and what each takes, from the tables that read them.
 */
#include "base/text.h"
#include "cli/command.h"
#include "cli/flags.h"
#include "cli/plugin_page.h"
#include "server/registry.h"
#include <stdlib.h>

enum { EXIT_UNKNOWN = 1 };

static int by_name(const void *a, const void *b)
{
	const struct plugin_entry *x = *(const struct plugin_entry *const *)a;
	const struct plugin_entry *y = *(const struct plugin_entry *const *)b;
	bool x_on = strcmp(x->name, "on") == 0, y_on = strcmp(y->name, "on") == 0;
	if (x_on != y_on)
		return x_on ? 1 : -1;
	return strcmp(x->name, y->name);
}

/* By name, `on` last: it belongs to the process, not to a server, and so CoreDNS lists it behind
 * the others. */
void plugins_print_names(void)
{
	const struct plugin_entry **built = calloc(registry_count() + 1, sizeof(void *));
	size_t count = 0;
	if (!built)
		abort();
	for (size_t i = 0; i < registry_count(); i++) {
		if (registry_at(i)->type)
			built[count++] = registry_at(i);
	}
	qsort(built, count, sizeof(void *), by_name);
	for (size_t i = 0; i < count; i++)
		printf("%s\n", built[i]->name);
	free(built);
}

static int unknown(const char *name)
{
	const char *near = registry_nearest(view_of(name));
	fprintf(stderr, "no directive is called '%s'%s%s%s\n", name, near ? " (did you mean '" : "",
		near ? near : "", near ? "'?)" : "");
	return EXIT_UNKNOWN;
}

static int explain(const char *name, bool markdown)
{
	const struct plugin_entry *entry = registry_find(view_of(name), NULL);
	if (!entry)
		return unknown(name);
	if (!entry->type) {
		fprintf(stderr, "'%s' is a directive of CoreDNS that this build does not have\n",
			name);
		return EXIT_UNKNOWN;
	}
	struct text page = { 0 };
	if (markdown)
		plugin_page_markdown(&page, entry);
	else
		plugin_page_text(&page, entry);
	fputs(text_view(&page).at, stdout);
	text_free(&page);
	return 0;
}

static int list(bool markdown)
{
	struct text page = { 0 };
	if (markdown)
		plugin_index_markdown(&page);
	else
		plugin_index_text(&page);
	fputs(text_view(&page).at, stdout);
	text_free(&page);
	return 0;
}

int plugins_command(const struct command *self, int argc, char **argv)
{
	bool markdown = false;
	const struct command_flag flag_list[] = {
		{ "markdown", "Print the page of docs/plugins", NULL, NULL, &markdown },
	};
	const struct flags flags = { command_summary(self), flag_list, 1, NULL };
	int at = 1;
	enum flags_result result = flags_read(&flags, argc, argv, &at);
	if (result == FLAGS_READ && argc - at > 1)
		result = flags_wrong(
			&flags, "one plugin at a time: '%s' is one too many", argv[at + 1]);
	if (result != FLAGS_READ)
		return flags_exit_code(result);
	return at < argc ? explain(argv[at], markdown) : list(markdown);
}
