# Writes OUTPUT, a C file with the texts of the profiles: cmake -D DIRECTORY=… -D NAMES=a,b -D OUTPUT=… -P
string(REPLACE "," ";" NAMES "${NAMES}")
set(rows "")
foreach(name IN LISTS NAMES)
	file(READ "${DIRECTORY}/${name}.yaml" text)
	string(REPLACE "\\" "\\\\" text "${text}")
	string(REPLACE "\"" "\\\"" text "${text}")
	string(REPLACE "\n" "\\n\"\n\t  \"" text "${text}")
	string(APPEND rows "\t{ \"${name}\",\n\t  \"${text}\" },\n")
endforeach()
file(WRITE "${OUTPUT}" "/* Made by profiles.cmake from policy/profiles. */
#include \"policy/file.h\"

const struct policy_profile policy_profiles[] = {
${rows}\t{ 0 },
};
")
