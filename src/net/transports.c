/* Loading the module of transports. */
#include "net/transports.h"

#include "base/module.h"

const struct transports *transports;

bool transports_load(struct arena *arena, const char **why)
{
	if (!transports)
		transports = module_load(arena, "isthmus-transports.so", "net", TRANSPORTS_SYMBOL,
			"encrypted transports", why);
	return transports != NULL;
}
