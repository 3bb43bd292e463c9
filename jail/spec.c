/* What one run is to be. See spec.h. */
#include "jail/spec.h"

#include <stdlib.h>

void spec_init(struct jail_spec *spec)
{
	*spec = (struct jail_spec) { .hostname = "nsgate", .status_fd = -1 };
	settings_init(&spec->settings);
}

void spec_done(struct jail_spec *spec)
{
	settings_done(&spec->settings);
	free(spec->env_adds);
}
