/* The commands beside running the server: each takes the words behind its name and gives the exit
 * code. */
#ifndef ISTHMUS_CLI_COMMAND_H
#define ISTHMUS_CLI_COMMAND_H

struct command {
	const char *name;
	const char *arguments; /* as usage shows them */
	const char *help;      /* one sentence */
	/* argv[0] is the command's name. */
	int (*run)(const struct command *self, int argc, char **argv);
};

int check_command(const struct command *self, int argc, char **argv);
int explain_command(const struct command *self, int argc, char **argv);
int fmt_command(const struct command *self, int argc, char **argv);
int plugins_command(const struct command *self, int argc, char **argv);
int version_command(const struct command *self, int argc, char **argv);

/* The line with which usage of this command begins. In static memory, until the next call. */
const char *command_summary(const struct command *self);

/* Writes the names of all plugins that are built, one a line: what -plugins does. */
void plugins_print_names(void);

/* Writes the two lines of -version. */
void version_print(void);

#endif
