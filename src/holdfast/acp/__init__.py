"""The Agent Client Protocol over stdio: editors that know it can work with every agent of the workbench.

The official SDK has the wire; here stand only what our events are in its words (`updates`, `content`,
`calls`), what its prompts and decisions are in ours (`prompts`, `permissions`, `choices`), and the two who
hold state: a `Turn`, and the `EditorAgent` that the SDK calls.
"""
