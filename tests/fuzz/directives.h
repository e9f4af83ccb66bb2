/* The names of all directives, for targets that read Corefiles without any plugin. */
#ifndef ISTHMUS_TESTS_DIRECTIVES_H
#define ISTHMUS_TESTS_DIRECTIVES_H

#include "server/registry.h"

static const struct plugin_entry directive_names[] = {
#define BUILT(word) { #word, NULL },
#define KNOWN(word) { #word, NULL },
#include "plugins/order.def"
#undef BUILT
#undef KNOWN
};

enum { DIRECTIVES = sizeof directive_names / sizeof directive_names[0] };

#endif
