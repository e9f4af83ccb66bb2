/* order.def as a table. */
#include "plugins/order.h"

#define BUILT(word) extern const struct plugin_type plugin_##word;
#define KNOWN(word)
#include "plugins/order.def"
#undef BUILT
#undef KNOWN

const struct plugin_entry plugin_order[] = {
#define BUILT(word) { #word, &plugin_##word },
#define KNOWN(word) { #word, NULL },
#include "plugins/order.def"
#undef BUILT
#undef KNOWN
};

const size_t plugin_order_count = sizeof plugin_order / sizeof plugin_order[0];
