/** The parts of the Scores room. */

import { Tabs } from './tabs'

export const ScoreTabs = ({ here }: { here: 'scores' | 'online' | 'annotate' | 'agreement' }) => (
  <Tabs label="Parts of this room" tabs={[{ href: '/scores', text: 'Scores', here: here === 'scores' }, { href: '/scores/online', text: 'Online', here: here === 'online' }, { href: '/scores/annotate', text: 'Annotate', here: here === 'annotate' }, { href: '/scores/agreement', text: 'Agreement', here: here === 'agreement' }]} />
)
