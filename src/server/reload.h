/* Replacing the configuration of a running server; control thread only. */
#ifndef ISTHMUS_SERVER_RELOAD_H
#define ISTHMUS_SERVER_RELOAD_H

#include <stdbool.h>
#include <stdint.h>

/* Reads the Corefile anew and lets it go live, or logs why not and leaves the old one running. `cause` begins the log line of a
 * failure: "SIGUSR1". */
bool reload_now(const char *cause);

enum reload_result {
	RELOAD_UNCHANGED,
	RELOAD_UNREADABLE, /* the Corefile does not parse: said in the log, nothing done */
	RELOAD_FAILED,     /* it parses, and could not go live */
	RELOAD_DONE,
};

/* The same, only if the Corefile's fingerprint has changed since the last look; for the plugin `reload`. */
enum reload_result reload_if_changed(void);

/* The fingerprint of the Corefile that was read last, in hexadecimal (128 digits and NUL). */
void reload_fingerprint(char text[static 129]);

/* Whether the Corefile can be read again: it is a file, not standard input or the built-in one. */
bool reload_possible(void);

#endif
