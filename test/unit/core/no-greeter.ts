/** A file in a plug-in folder whose default export is no plug-in. */
const noGreeter: string = "hello";

export default noGreeter;
