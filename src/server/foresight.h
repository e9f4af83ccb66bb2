/* Fetching ahead: what the queries of a batch will need is on its way to the CPU's cache before the first is answered. */
#ifndef ISTHMUS_SERVER_FORESIGHT_H
#define ISTHMUS_SERVER_FORESIGHT_H

#include "base/view.h"

/* For udp_foresee(): tells plugins what their listener's next queries ask for. */
void foresee(void *listener, const struct view *datagrams, unsigned count);

#endif
