/* Pages about plugins, made from their tables: for the terminal, and as Markdown for docs/plugins.
 */
#ifndef ISTHMUS_CLI_PLUGIN_PAGE_H
#define ISTHMUS_CLI_PLUGIN_PAGE_H

#include "base/text.h"
#include "server/registry.h"

/* One plugin's page; its entry has a type. */
void plugin_page_text(struct text *to, const struct plugin_entry *entry);
void plugin_page_markdown(struct text *to, const struct plugin_entry *entry);

/* All directives in their order, with what they do. */
void plugin_index_text(struct text *to);
void plugin_index_markdown(struct text *to);

#endif
