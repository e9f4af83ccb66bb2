/* Whether the kernel may write the process's memory to a file when it dies. */
#ifndef ISTHMUS_SERVER_PROCESS_CORE_DUMP_H
#define ISTHMUS_SERVER_PROCESS_CORE_DUMP_H

/* The memory has secrets: no core is written from now on, and only root may look into the process. Nothing after
 * core_dump_allow(), and in builds with sanitizers, whose own tools look into it. */
void core_dump_forbid(void);

/* Cores are wanted, whatever is in them: for debugging. To be called before the other. */
void core_dump_allow(void);

#endif
