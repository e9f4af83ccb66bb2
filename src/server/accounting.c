/* Counting of what the server answers itself. */
#include "server/accounting.h"

void account_dropped(struct query *q)
{
	(void)q;
}
