/* What one run is to be. See spec.h. */
#include "jail/spec.h"

#include <stdlib.h>

void spec_init(struct jail_spec *spec)
{
	*spec = (struct jail_spec) { .hostname = "nsgate", .status_fd = -1 };
	policy_init(&spec->policy);
}

void spec_done(struct jail_spec *spec)
{
	policy_done(&spec->policy);
	mount_list_done(&spec->mounts);
	free(spec->env_adds);
}
