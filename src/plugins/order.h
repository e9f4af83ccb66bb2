/* The list of order.def, for main() to hand to the server. */
#ifndef ISTHMUS_PLUGINS_ORDER_H
#define ISTHMUS_PLUGINS_ORDER_H

#include "server/registry.h"

extern const struct plugin_entry plugin_order[];
extern const size_t plugin_order_count;

#endif
