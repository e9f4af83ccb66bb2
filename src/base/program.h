/* The running program itself: its code and constants, and those of its libraries. */
#ifndef ISTHMUS_BASE_PROGRAM_H
#define ISTHMUS_BASE_PROGRAM_H

/*
 * Gives back the memory that code and constants have taken so far. What is used again comes back from the page cache by itself, at a
 * microsecond or so for 16 pages: for when something large has been done that will not be done again soon, as starting is.
 */
void program_pages_return(void);

#endif
