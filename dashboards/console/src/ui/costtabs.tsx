/** The parts of the Costs room. */

import { Tabs } from './tabs'

export const CostTabs = ({ here }: { here: 'costs' | 'advice' }) => (
  <Tabs label="Parts of this room" tabs={[{ href: '/costs', text: 'Costs', here: here === 'costs' }, { href: '/costs/advice', text: 'Advice', here: here === 'advice' }]} />
)
