/* nsgate reload: makes a run that is under way read its policy again. */
#ifndef NSGATE_COMMAND_RELOAD_H
#define NSGATE_COMMAND_RELOAD_H

int reload_main(char **argv);

#endif
