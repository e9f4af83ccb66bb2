/* What a template of the plugin can see: the query and what has matched. */
#ifndef ISTHMUS_PLUGINS_TEMPLATE_DATA_H
#define ISTHMUS_PLUGINS_TEMPLATE_DATA_H

#include "server/expression/value.h"
#include "server/query.h"

/* Lives in the query's arena, while one template is asked. */
struct template_data {
	struct query *query;
	struct view name;	  /* the qname in lower case, as text */
	struct view zone;	  /* the zone of the template that the name is under, as text */
	struct view regex;	  /* the pattern that matched */
	const char *class, *type; /* mnemonics, "" for one without */
	struct value match;	  /* an array: the whole match, then the groups */
	struct value group;	  /* a map: groups by number and by name */
	struct value variables;	  /* a map */
};

/* The data as the dot of a template. */
struct value template_data_value(const struct template_data *d);

#endif
