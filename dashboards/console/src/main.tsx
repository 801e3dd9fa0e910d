import 'uplot/dist/uPlot.min.css'
import './styles/tokens.css'
import './styles/base.css'
import './styles/parts.css'
import './styles/rooms.css'
import './styles/money.css'
import './styles/prompts.css'
import './styles/experiments.css'
import './styles/datasets.css'
import './styles/annotations.css'
import './styles/alerts.css'
import './styles/rag.css'
import './styles/traces.css'
import { render } from 'preact'
import { App } from './app'
import { startRouter } from './lib/router'

startRouter()
render(<App />, document.getElementById('app')!)
