"""People at a browser: operators, agency officers, the phone page. Server-rendered, small, whole with the line down."""
