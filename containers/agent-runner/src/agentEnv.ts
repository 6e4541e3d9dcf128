import type { RunDirs } from './isolation/isolation.ts'
import { certificateEnv, toolPath } from './toolPath.ts'

/** The environment of everything that runs under isolation: built from nothing, so that nothing of the runner's is in it. */
export function agentEnv(dirs: RunDirs): Record<string, string> {
	return {
		...certificateEnv(),
		PATH: toolPath(),
		HOME: dirs.home,
		TMPDIR: dirs.tmp,
		TMP: dirs.tmp,
		TEMP: dirs.tmp,
		USER: 'agent',
		LOGNAME: 'agent',
		SHELL: '/bin/sh',
		LANG: 'C.UTF-8',
		TERM: 'dumb',
		NO_COLOR: '1',
		PAGER: 'cat',
		GIT_PAGER: 'cat',
		GIT_EDITOR: 'true',
		GIT_TERMINAL_PROMPT: '0',
	}
}

/** Lets git work in a tree that belongs to another user, and commit. */
export const HOME_FILES: Readonly<Record<string, string>> = {
	'.gitconfig': '[safe]\n\tdirectory = *\n[user]\n\tname = VibeHQ Agent\n\temail = agent@vibehq.invalid\n[init]\n\tdefaultBranch = main\n',
}
