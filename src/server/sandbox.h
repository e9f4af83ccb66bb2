/*
 * What the server's process may do once its configuration has been read: a list of system calls
 * (seccomp), and of folders (Landlock, where the kernel has it). On by default.
 */
#ifndef ISTHMUS_SERVER_SANDBOX_H
#define ISTHMUS_SERVER_SANDBOX_H

#include "server/block.h"
#include "server/server.h"

/*
 * A file or folder that the sandbox has to let through beside those that stand as words in the
 * Corefile: for plugins, while they are set up. With `write`, files in it may be made, changed and
 * removed. The path is copied.
 */
void sandbox_need(struct config *config, struct view path, bool write);

/*
 * Closes the sandbox around this thread and all that it starts from now on. Readable are the
 * folders that the Corefile names and what the system's libraries need; a call that is not on the
 * list gives EPERM, and a line in the log.
 */
void sandbox_enter(const struct config *config, const struct server_options *options);

/* Warns of what a Corefile that is about to be loaded names and the sandbox has kept out of reach
 * since the start. */
void sandbox_review(const struct corefile *corefile);

#endif
