/* What systemd and its like say to a service by its environment, and what it says back. */
#ifndef ISTHMUS_SERVER_PROCESS_SERVICE_H
#define ISTHMUS_SERVER_PROCESS_SERVICE_H

#include "server/supervisor.h"
#include <stdint.h>

enum { SERVICE_FD_FIRST = 3, SERVICE_SOCKETS_MAX = 256 };

/* Sends a state ("READY=1") to NOTIFY_SOCKET, if there is one. */
void service_notify(const char *state);

/* Sends what systemd calls this state of the server. */
void service_notify_state(enum supervised_state state);

/* How many sockets this process was given, from SERVICE_FD_FIRST on; forgets it, so that a second
 * call gives none. */
unsigned service_sockets(void);

/* How often the watchdog wants to hear of this process, in ns; 0: never. */
uint64_t service_watchdog(void);

/* Children have nothing to say to the service manager. */
void service_forget(void);

#endif
