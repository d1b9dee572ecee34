// Graphs as JSON on stdin, in the shape that @viz-js/viz takes; their SVGs as JSON on stdout.
import { text } from "node:stream/consumers";
import { instance } from "@viz-js/viz";

const graphs = JSON.parse(await text(process.stdin));
const viz = await instance();
console.log(JSON.stringify(graphs.map((graph) => viz.renderString(graph, { format: "svg" }))));
